One export of 11 MiB; weights of that size never come along and are not read.
fill: app/a.json 11534336
fill: app/w.pt 11534336
expect: file_too_large app/a.json
expect: file_dropped app/w.pt
