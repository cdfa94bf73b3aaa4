Two exports of 6 MiB.
fill: app/a.json 6291456
fill: app/b.json 6291456
expect: app_too_large -
