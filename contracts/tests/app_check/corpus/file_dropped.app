Weights, a test beside the code, and a folder that Flower drops at the root. Tests in their folder and the cohort query are expected.
expect: file_dropped app/weights.pt
expect: file_dropped app/test_x.py
expect: file_dropped lib/x.py
-- app/weights.pt --
x
-- app/test_x.py --
-- lib/x.py --
-- app/lib/y.py --
-- tests/test_app.py --
-- .gitignore --
*.log
-- run.log --
-- LICENSE --
x
-- query.sql --
SELECT 1
