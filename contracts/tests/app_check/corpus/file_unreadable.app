A named pipe in the place of a file.
fifo: app/pipe.py
expect: file_unreadable app/pipe.py
