"""``python -m orchestrator`` is ``pacslab``."""

from orchestrator.cli import main

if __name__ == "__main__":
    main()
