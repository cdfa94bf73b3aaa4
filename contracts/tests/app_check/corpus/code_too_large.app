Generated code of 4 MiB. The lines are comments here, so that the test is quick.
comments: app/generated.py 4194304
expect: code_too_large -
