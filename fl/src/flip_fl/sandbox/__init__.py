"""The wall around app code, which is anybody's code. docs/sandbox.md says what stops which attack."""
