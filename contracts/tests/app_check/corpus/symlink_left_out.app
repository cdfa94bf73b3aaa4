A link to shared code.
link: app/shared.py ../../shared.py
expect: symlink_left_out app/shared.py
