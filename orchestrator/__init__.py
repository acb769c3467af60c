"""The engine: reads scenarios, runs labs, compares what happened with what was declared."""
