-- Queries that must be refused. "pg" and "duckdb" ones must fail in the locked-down engine alone as well.

-- pg: sleep
SELECT pg_sleep(1)

-- pg: sleep by interval
SELECT pg_sleep_for('1 second')

-- pg: sleep until
SELECT pg_sleep_until(now() + interval '1 second')

-- pg: file
SELECT pg_read_file('/etc/passwd')

-- pg: file by bytes
SELECT pg_read_binary_file('/etc/passwd')

-- pg: folder
SELECT * FROM pg_ls_dir('/')

-- pg: folder of logs
SELECT * FROM pg_ls_logdir()

-- pg: stat of a file
SELECT * FROM pg_stat_file('/etc/passwd')

-- pg: copy to a program
COPY (SELECT 1) TO PROGRAM 'id'

-- pg: copy to a file
COPY (SELECT 1) TO '/tmp/flip-attack'

-- pg: copy from a file
COPY cohort.person FROM '/etc/passwd'

-- pg: large object from a file
SELECT lo_import('/etc/passwd')

-- pg: large object written by a select
SELECT lo_from_bytea(0, 'x')

-- pg: large object made
SELECT lo_create(0)

-- pg: lock
SELECT pg_advisory_lock(1)

-- pg: shared lock
SELECT pg_try_advisory_xact_lock_shared(1)

-- pg: notification
SELECT pg_notify('a', 'b')

-- shape: listen
LISTEN a

-- pg: cancel another
SELECT pg_cancel_backend(1)

-- pg: end another
SELECT pg_terminate_backend(1)

-- pg: reload the configuration
SELECT pg_reload_conf()

-- pg: rotate the log
SELECT pg_rotate_logfile()

-- pg: set a setting
SELECT set_config('statement_timeout', '0', false)

-- pg: a setting
SELECT current_setting('data_directory')

-- pg: all settings
SELECT * FROM pg_settings

-- pg: settings of files
SELECT * FROM pg_file_settings

-- pg: access rules
SELECT * FROM pg_hba_file_rules

-- pg: passwords
SELECT * FROM pg_authid

-- pg: shadow
SELECT * FROM pg_shadow

-- pg: roles
SELECT * FROM pg_roles

-- pg: who is connected
SELECT * FROM pg_stat_activity

-- pg: what others asked
SELECT query FROM pg_stat_activity

-- pg: statistics of columns hold values
SELECT most_common_vals FROM pg_stats

-- pg: statistics, raw
SELECT * FROM pg_statistic

-- pg: catalog of tables
SELECT relname FROM pg_class

-- pg: catalog of functions
SELECT prosrc FROM pg_proc

-- pg: information schema
SELECT table_name FROM information_schema.tables

-- pg: columns of the information schema
SELECT column_name FROM information_schema.columns

-- pg: the table behind the view
SELECT person_source_value FROM omop.person

-- pg: notes behind the view
SELECT note_text FROM omop.note

-- pg: a column that the view has not
SELECT person_source_value FROM cohort.person

-- pg: delete
DELETE FROM cohort.person

-- pg: update
UPDATE cohort.person SET year_of_birth = 1

-- pg: insert
INSERT INTO cohort.person (person_id) VALUES (1)

-- pg: truncate
TRUNCATE omop.person

-- pg: merge
MERGE INTO cohort.person AS p USING cohort.death AS d ON d.person_id = p.person_id WHEN MATCHED THEN DELETE

-- pg: drop
DROP VIEW cohort.person

-- pg: create a table
CREATE TABLE cohort.copied AS SELECT * FROM cohort.person

-- pg: create a temporary table
CREATE TEMP TABLE copied AS SELECT 1 AS x

-- pg: create a temporary view
CREATE TEMP VIEW copied AS SELECT 1 AS x

-- pg: select into
SELECT * INTO copied FROM cohort.person

-- pg: select into a temporary table
SELECT * INTO TEMP copied FROM cohort.person

-- pg: create a function
CREATE FUNCTION cohort.f() RETURNS int LANGUAGE sql AS 'SELECT 1'

-- pg: create a schema
CREATE SCHEMA mine

-- pg: create an extension
CREATE EXTENSION dblink

-- pg: create a role
CREATE ROLE other SUPERUSER

-- pg: raise the own role
ALTER ROLE CURRENT_USER SUPERUSER

-- pg: become another
SET ROLE postgres

-- pg: begin as another
SET SESSION AUTHORIZATION postgres

-- pg: grant
GRANT ALL ON SCHEMA omop TO PUBLIC

-- pg: comment
COMMENT ON VIEW cohort.person IS 'x'

-- pg: vacuum
VACUUM omop.person

-- pg: checkpoint
CHECKPOINT

-- pg: system settings
ALTER SYSTEM SET log_statement = 'all'

-- pg: load a library
LOAD '/tmp/x.so'

-- pg: do block
DO $$ BEGIN PERFORM 1; END $$

-- pg: call
CALL omop.anything()

-- pg: lock a table
LOCK TABLE omop.person

-- pg: for update
SELECT person_id FROM cohort.person FOR UPDATE

-- pg: stacked statements
SELECT 1; SELECT 2

-- pg: stacked writing
SELECT 1; DROP VIEW cohort.person

-- pg: a query as xml
SELECT query_to_xml('SELECT 1', true, true, '')

-- pg: a table as xml
SELECT table_to_xml('omop.person', true, true, '')

-- pg: a schema as xml
SELECT schema_to_xml('omop', true, true, '')

-- pg: the database as xml
SELECT database_to_xml(true, true, '')

-- pg: a cursor as xml
SELECT cursor_to_xml('c', 1, true, true, '')

-- pg: statistics of words run a query
SELECT * FROM ts_stat('SELECT to_tsvector(''x'')')

-- pg: another database
SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t(x int)

-- pg: replication
SELECT pg_create_physical_replication_slot('x')

-- pg: logical decoding
SELECT pg_logical_emit_message(true, 'x', 'y')

-- pg: switch the log
SELECT pg_switch_wal()

-- pg: an exported snapshot
SELECT pg_export_snapshot()

-- pg: address of the server
SELECT inet_server_addr()

-- pg: version
SELECT version()

-- pg: definition of a view
SELECT pg_get_viewdef('cohort.person'::regclass)

-- pg: source of a function
SELECT pg_get_functiondef('pg_sleep(float8)'::regprocedure)

-- pg: size of a table
SELECT pg_relation_size('omop.person'::regclass)

-- pg: size of the database
SELECT pg_database_size('postgres')

-- pg: file of a table
SELECT pg_relation_filepath('omop.person'::regclass)

-- pg: hidden name by unicode
SELECT U&"pg\005fread\005ffile"('/etc/passwd')

-- pg: file behind a json function
SELECT json_populate_recordset(null::pg_catalog.pg_authid, '[]')

-- pg: a million copies
SELECT repeat('x', 1000000000)

-- pg: long series
SELECT count(*) FROM generate_series(1, 1000000000000)

-- pg: keys of nobody
SELECT gen_random_uuid()

-- pg: random
SELECT random()

-- pg: identity of the transaction
SELECT pg_current_xact_id()

-- pg: seed
SELECT setseed(0.5)

-- duckdb: csv
SELECT * FROM read_csv('/etc/passwd')

-- duckdb: csv by its name
SELECT * FROM '/etc/passwd'

-- duckdb: csv sniffed
SELECT * FROM sniff_csv('/etc/passwd')

-- duckdb: text
SELECT * FROM read_text('/etc/passwd')

-- duckdb: bytes
SELECT * FROM read_blob('/etc/passwd')

-- duckdb: parquet
SELECT * FROM read_parquet('/tmp/x.parquet')

-- duckdb: parquet by pattern
SELECT * FROM '/tmp/*.parquet'

-- duckdb: parquet metadata
SELECT * FROM parquet_metadata('/tmp/x.parquet')

-- duckdb: json
SELECT * FROM read_json('/etc/passwd')

-- duckdb: lines of json
SELECT * FROM read_ndjson_objects('/etc/passwd')

-- duckdb: folder
SELECT * FROM glob('/etc/*')

-- duckdb: web
SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')

-- duckdb: web by its name
SELECT * FROM 'http://127.0.0.1:9/x.parquet'

-- duckdb: copy to a file
COPY omop.person TO '/tmp/flip-attack.csv'

-- duckdb: copy a query to a file
COPY (SELECT 1) TO '/tmp/flip-attack.parquet' (FORMAT PARQUET)

-- duckdb: copy from a file
COPY omop.person FROM '/etc/passwd'

-- duckdb: export
EXPORT DATABASE '/tmp/flip-attack'

-- duckdb: import
IMPORT DATABASE '/tmp/flip-attack'

-- duckdb: attach
ATTACH '/tmp/flip-attack.duckdb' AS other

-- duckdb: attach another file
ATTACH '/etc/passwd' AS other

-- duckdb: detach
DETACH cdm

-- duckdb: install
INSTALL httpfs

-- duckdb: load
LOAD httpfs

-- duckdb: load a file
LOAD '/tmp/x.duckdb_extension'

-- duckdb: install from the community
INSTALL shellfs FROM community

-- duckdb: unlock
SET lock_configuration = false

-- duckdb: access outside
SET enable_external_access = true

-- duckdb: memory
SET memory_limit = '64GB'

-- duckdb: threads
SET threads = 64

-- duckdb: temporary folder
SET temp_directory = '/tmp'

-- duckdb: python variables
SET python_enable_replacements = true

-- duckdb: python frames
SET python_scan_all_frames = true

-- duckdb: reset
RESET memory_limit

-- duckdb: pragma
PRAGMA memory_limit = '64GB'

-- duckdb: file of the log
SET log_query_path = '/tmp/flip-attack.log'

-- duckdb: profiling to a file
SET profiling_output = '/tmp/flip-attack.json'

-- duckdb: secret
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')

-- duckdb: python variable
SELECT * FROM secret_frame

-- duckdb: delete
DELETE FROM omop.person

-- duckdb: update
UPDATE omop.person SET year_of_birth = 0

-- duckdb: insert
INSERT INTO omop.person SELECT * FROM omop.person

-- duckdb: drop
DROP TABLE omop.person

-- duckdb: create
CREATE TABLE omop.copied AS SELECT * FROM omop.person

-- duckdb: alter
ALTER TABLE omop.person RENAME TO people

-- shape: checkpoint forced
FORCE CHECKPOINT cdm

-- duckdb: environment
SELECT getenv('HOME')

-- error oracle: division
SELECT person_id FROM omop.person WHERE CASE WHEN year_of_birth = 1931 THEN CAST('x' AS int) ELSE 1 END = 1

-- error oracle: cast of a column
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE CAST(k.concept_code AS int) > 5

-- error oracle: cast of an accession
SELECT accession_id FROM omop.image_occurrence WHERE CAST(accession_id AS int) > 1

-- error oracle: text as a date
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE k.concept_name::date > DATE '2020-01-01'

-- error oracle: text against a number
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE k.concept_code = c.condition_concept_id

-- error oracle: a bad date in a branch
SELECT person_id FROM omop.person WHERE CASE WHEN year_of_birth = 1931 THEN DATE '2020-13-45' ELSE CURRENT_DATE END > DATE '2020-01-01'

-- error oracle: a bad date beside a date
SELECT person_id FROM omop.visit_occurrence WHERE year_of_birth = 1931 AND visit_start_date > 'never'

-- error oracle: text beside a date
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_date > 'never'

-- error oracle: a number in quotes
SELECT person_id FROM omop.person WHERE CASE WHEN year_of_birth = 1931 THEN year_of_birth = 'x' ELSE TRUE END

-- error oracle: overflow
SELECT person_id FROM omop.person WHERE year_of_birth * 1000000000 * 1000000000 > 0

-- error oracle: overflow of a double
SELECT person_id FROM omop.measurement WHERE power(power(power(power(value_as_number, 8), 8), 8), 8) > 0

-- error oracle: huge literal
SELECT person_id FROM omop.measurement WHERE value_as_number * 1e300 > 0

-- error oracle: negative length
SELECT c.person_id, substring(k.concept_name, 1, k.concept_id - 5) AS x FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id

-- error oracle: power of a fraction
SELECT person_id FROM omop.measurement WHERE power(value_as_number, 0.5) > 1

-- error oracle: fraction of a percentile
SELECT person_id, percentile_cont(2) WITHIN GROUP (ORDER BY value_as_number) AS x FROM omop.measurement GROUP BY person_id

-- error oracle: pattern that ends with an escape
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE k.concept_name LIKE 'x\'

-- error oracle: pattern of a column
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE k.concept_name LIKE k.concept_code

-- error oracle: unit of a date
SELECT person_id, date_trunc('century', visit_start_date) AS c FROM omop.visit_occurrence

-- error oracle: hour of a date
SELECT person_id, extract(hour FROM visit_start_date) AS h FROM omop.visit_occurrence

-- error oracle: far interval
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_date + INTERVAL '99999999 years' > CURRENT_DATE

-- error oracle: interval by a column
SELECT person_id FROM omop.visit_occurrence v WHERE v.visit_start_date + (v.visit_concept_id || ' days')::interval > CURRENT_DATE

-- error oracle: logarithm by a base
SELECT person_id, log(value_as_number, 10) AS x FROM omop.measurement

-- error oracle: tiles by a column
SELECT person_id, ntile(year_of_birth) OVER (PARTITION BY person_id ORDER BY year_of_birth) AS t FROM omop.person

-- error oracle: frame by a column
SELECT person_id, sum(days_supply) OVER (PARTITION BY person_id ORDER BY drug_exposure_start_date ROWS BETWEEN days_supply PRECEDING AND CURRENT ROW) AS t FROM omop.drug_exposure

-- error oracle: a number of text lengths
SELECT c.person_id, lpad(k.concept_name, 1000000000) AS x FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id

-- memory: doubled text
SELECT z.person_id, concat(z.n, z.n, z.n, z.n, z.n, z.n) AS n FROM (SELECT y.person_id, concat(y.n, y.n, y.n, y.n, y.n, y.n) AS n FROM (SELECT c.person_id, concat(k.concept_name, k.concept_name, k.concept_name, k.concept_name) AS n FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id) AS y) AS z

-- one for many: bridge by the vocabulary
SELECT a.person_id FROM omop.condition_occurrence a JOIN omop.concept k ON k.concept_id = a.condition_concept_id JOIN omop.condition_occurrence b ON b.condition_concept_id = k.concept_id WHERE b.condition_start_date = DATE '2019-03-17'

-- one for many: bridge by the vocabulary in a derived table
SELECT a.person_id FROM omop.condition_occurrence a JOIN (SELECT k.concept_id FROM omop.concept k JOIN omop.condition_occurrence b ON b.condition_concept_id = k.concept_id WHERE b.condition_start_date = DATE '2019-03-17') AS t ON t.concept_id = a.condition_concept_id

-- one for many: concepts of one person by IN
SELECT person_id FROM omop.condition_occurrence WHERE condition_concept_id IN (SELECT k.concept_id FROM omop.concept k JOIN omop.condition_occurrence b ON b.condition_concept_id = k.concept_id WHERE b.condition_start_date = DATE '2019-03-17')

-- one for many: concepts of one person by EXISTS
SELECT a.person_id FROM omop.condition_occurrence a JOIN omop.concept k ON k.concept_id = a.condition_concept_id WHERE EXISTS (SELECT 1 FROM omop.condition_occurrence b WHERE b.condition_concept_id = k.concept_id AND b.condition_start_date = DATE '2019-03-17')

-- one for many: filtered vocabulary in a CTE
WITH k AS (SELECT concept_id FROM omop.concept c WHERE EXISTS (SELECT 1 FROM omop.death d JOIN omop.condition_occurrence b ON b.person_id = d.person_id WHERE b.condition_concept_id = c.concept_id)) SELECT a.person_id FROM omop.condition_occurrence a JOIN k ON k.concept_id = a.condition_concept_id

-- one for many: same place
SELECT a.person_id FROM omop.person a JOIN omop.person b ON b.location_id = a.location_id WHERE b.year_of_birth = 1931

-- one for many: same doctor
SELECT a.person_id FROM omop.visit_occurrence a JOIN omop.visit_occurrence b ON b.provider_id = a.provider_id WHERE b.visit_start_date = DATE '2019-03-17'

-- one for many: same care site by way of the site
SELECT a.person_id FROM omop.person a JOIN omop.care_site s ON s.care_site_id = a.care_site_id JOIN omop.person b ON b.care_site_id = s.care_site_id WHERE b.year_of_birth = 1931

-- one for many: same place by IN
SELECT person_id FROM omop.person WHERE location_id IN (SELECT location_id FROM omop.person WHERE year_of_birth = 1931)

-- one for many: same place by EXISTS
SELECT a.person_id FROM omop.person a WHERE EXISTS (SELECT 1 FROM omop.person b WHERE b.location_id = a.location_id AND b.year_of_birth = 1931)

-- one for many: window over a place
SELECT person_id, max(year_of_birth) OVER (PARTITION BY location_id) AS y FROM omop.person

-- one for many: group without a person
SELECT a.person_id FROM omop.person a JOIN (SELECT gender_concept_id, min(year_of_birth) AS y FROM omop.person GROUP BY gender_concept_id) AS g ON g.gender_concept_id = a.gender_concept_id

-- one for many: group by a place
SELECT a.person_id FROM omop.person a JOIN (SELECT location_id, count(*) AS n FROM omop.person GROUP BY location_id) AS g ON g.location_id = a.location_id WHERE g.n > 3

-- one for many: facts
SELECT m.person_id FROM omop.measurement m JOIN omop.fact_relationship f ON f.fact_id_1 = m.measurement_id

-- one for many: cost of an event
SELECT m.person_id FROM omop.measurement m JOIN omop.cost c ON c.cost_event_id = m.measurement_id

-- one for many: link in WHERE by OR
SELECT a.person_id FROM omop.person a JOIN omop.concept k ON k.concept_id = a.gender_concept_id JOIN omop.death d ON d.cause_concept_id = k.concept_id WHERE a.person_id = d.person_id OR d.death_date > DATE '2020-01-01'

-- one for many: untied NOT EXISTS
SELECT person_id FROM omop.person WHERE NOT EXISTS (SELECT 1 FROM omop.death WHERE death_date = DATE '2019-03-17')

-- one for many: EXISTS tied by a union's first part only
SELECT p.person_id FROM omop.person p WHERE EXISTS (SELECT 1 FROM omop.death d WHERE d.person_id = p.person_id UNION ALL SELECT 1 FROM omop.death x WHERE x.death_date = DATE '2019-03-17')

-- one for many: EXISTS with a second table untied
SELECT p.person_id FROM omop.person p WHERE EXISTS (SELECT 1 FROM omop.concept k JOIN omop.death d ON d.cause_concept_id = k.concept_id WHERE k.concept_id = p.gender_concept_id)

-- aim: percentile of identifiers
SELECT x.person_id FROM (SELECT person_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY person_id) AS middle FROM omop.person GROUP BY person_id) AS x WHERE x.middle = 5

-- aim: identifier through first_value
SELECT x.person_id FROM (SELECT person_id, first_value(person_id) OVER (PARTITION BY person_id ORDER BY year_of_birth) AS f FROM omop.person) AS x WHERE x.f = 5

-- aim: identifier through greatest
SELECT person_id FROM omop.person WHERE greatest(person_id, 5) = 5

-- aim: identifier through coalesce
SELECT person_id FROM omop.person WHERE coalesce(person_id, 0) = 5

-- aim: identifier through nullif
SELECT person_id FROM omop.person WHERE nullif(person_id, 5) IS NULL

-- aim: identifier through a date
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_date + visit_occurrence_id > CURRENT_DATE

-- aim: identifier as text
SELECT person_id FROM omop.person WHERE person_id || '' = '5'

-- aim: identifier through a union's name
SELECT q.person_id FROM (SELECT person_id, year_of_birth AS x FROM omop.person UNION ALL SELECT person_id, person_id FROM omop.person) AS q WHERE q.x = 5

-- aim: identifier through EXCEPT of two kinds
SELECT person_id FROM omop.person EXCEPT SELECT year_of_birth FROM omop.person

-- aim: identifier renamed to another
SELECT x.person_id FROM (SELECT person_id, visit_occurrence_id AS visit_detail_id FROM omop.visit_occurrence) AS x JOIN omop.visit_detail d ON d.visit_detail_id = x.visit_detail_id

-- aim: literal as another's identifier
SELECT a.person_id FROM omop.person a JOIN (SELECT 5 AS person_id FROM omop.concept) AS b ON b.person_id = a.person_id

-- aim: computed identifier joined
SELECT a.person_id FROM omop.person a JOIN (SELECT year_of_birth - 1900 AS person_id FROM omop.person) AS b ON b.person_id = a.person_id

-- aim: parameter of an id
SELECT person_id FROM omop.person WHERE person_id IN (SELECT year_of_birth FROM omop.person)

-- aim: subject of a cohort
SELECT p.person_id FROM omop.person p JOIN omop.cohort c ON c.subject_id = p.person_id WHERE c.subject_id < 100

-- aim: note identifier
SELECT person_id FROM omop.note WHERE note_id = 3

-- aim: place
SELECT p.person_id FROM omop.person p JOIN omop.location l ON l.location_id = p.location_id WHERE l.location_id = 3

-- aim: interval between identifiers
SELECT person_id FROM omop.person WHERE person_id BETWEEN 5 AND year_of_birth

-- aim: id in order of an aggregate
SELECT person_id, count(*) FILTER (WHERE visit_occurrence_id IN (5)) AS n FROM omop.visit_occurrence GROUP BY person_id

-- aim: HAVING of an id
SELECT person_id FROM omop.visit_occurrence GROUP BY person_id HAVING min(visit_occurrence_id) = 5

-- aim: case of an id
SELECT person_id, CASE person_id WHEN 5 THEN 1 ELSE 0 END AS x FROM omop.person

-- text: note
SELECT person_id, note_text FROM omop.note

-- text: snippet
SELECT n.person_id, x.snippet FROM omop.note n JOIN omop.note_nlp x ON x.note_id = n.note_id

-- text: value
SELECT person_id FROM omop.observation WHERE value_as_string LIKE 'HIV%'

-- text: instructions
SELECT person_id, sig FROM omop.drug_exposure

-- text: source value of a diagnosis
SELECT person_id FROM omop.condition_occurrence WHERE condition_source_value = 'C61'

-- text: name of a doctor
SELECT v.person_id, p.provider_name FROM omop.visit_occurrence v JOIN omop.provider p ON p.provider_id = v.provider_id

-- text: address
SELECT p.person_id, l.zip FROM omop.person p JOIN omop.location l ON l.location_id = p.location_id

-- text: latitude
SELECT p.person_id FROM omop.person p JOIN omop.location l ON l.location_id = p.location_id WHERE l.latitude > 51.5

-- text: device
SELECT person_id, unique_device_id FROM omop.device_exposure

-- text: study identifier
SELECT accession_id, image_study_uid FROM omop.image_occurrence

-- text: day of birth
SELECT person_id FROM omop.person WHERE birth_datetime = '1931-03-17'

-- text: hidden column in a star
SELECT x.note_text, x.person_id FROM (SELECT * FROM omop.note) AS x

-- text: hidden column by a join's order
SELECT p.person_id FROM omop.person p JOIN omop.note n ON n.person_id = p.person_id ORDER BY n.note_text

-- text: hidden column in a partition
SELECT person_id, row_number() OVER (PARTITION BY person_id ORDER BY note_text) AS r FROM omop.note

-- text: hidden column in a group
SELECT person_id, count(*) AS n FROM omop.note GROUP BY person_id, note_text

-- shape: value rows
SELECT person_id FROM (VALUES (1)) AS v(person_id)

-- shape: lateral
SELECT p.person_id FROM omop.person p CROSS JOIN LATERAL (SELECT d.death_date FROM omop.death d WHERE d.person_id = p.person_id) AS x

-- shape: natural join
SELECT person_id FROM omop.person NATURAL LEFT JOIN omop.death

-- shape: semi join of another dialect
SELECT p.person_id FROM omop.person p SEMI JOIN omop.death d ON d.person_id = p.person_id

-- shape: asof join
SELECT p.person_id FROM omop.person p ASOF JOIN omop.death d ON d.person_id = p.person_id

-- shape: positional join
SELECT p.person_id FROM omop.person p POSITIONAL JOIN omop.death d

-- shape: pivot
PIVOT omop.person ON gender_concept_id USING count(*)

-- shape: from first
FROM omop.person SELECT person_id, pg_sleep(1)

-- shape: exclude, and what it hides
SELECT * EXCLUDE (year_of_birth), note_text FROM omop.note

-- shape: replace
SELECT * REPLACE (1 AS person_id) FROM omop.person

-- shape: columns by a function
SELECT COLUMNS(c -> c LIKE '%source%') FROM omop.person

-- shape: sample
SELECT person_id FROM omop.person USING SAMPLE 10 ROWS

-- shape: tuple
SELECT person_id FROM omop.person WHERE (year_of_birth, month_of_birth) IN ((1931, 3))

-- shape: array
SELECT person_id FROM omop.person WHERE year_of_birth = ANY(ARRAY[1931])

-- shape: list comprehension
SELECT person_id, [x FOR x IN [1, 2]] AS l FROM omop.person

-- shape: struct
SELECT person_id, {'a': 1} AS s FROM omop.person

-- shape: lambda
SELECT person_id, list_transform([1], x -> x + 1) AS l FROM omop.person

-- shape: json arrow
SELECT person_id FROM omop.concept WHERE concept_name -> 'x' IS NOT NULL

-- shape: similar
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE k.concept_name SIMILAR TO '(a+)+'

-- shape: regular expression
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE k.concept_name ~* '(a+)+$'

-- shape: collation
SELECT person_id FROM omop.concept c ORDER BY c.concept_name COLLATE "de_DE"

-- shape: at time zone
SELECT person_id, visit_start_datetime AT TIME ZONE 'UTC' AS t FROM omop.visit_occurrence

-- shape: now
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_datetime < now() - interval '1 day' AND clock_timestamp() > now()

-- shape: rollup
SELECT person_id FROM omop.person GROUP BY ROLLUP (person_id)

-- shape: cube
SELECT person_id FROM omop.person GROUP BY CUBE (person_id, year_of_birth)

-- shape: group by all
SELECT person_id, count(*) AS n FROM omop.person GROUP BY ALL

-- shape: window by name
SELECT person_id, row_number() OVER w AS r FROM omop.person WINDOW w AS (ORDER BY year_of_birth)

-- shape: ordinality
SELECT person_id FROM unnest(ARRAY[1]) WITH ORDINALITY AS t(person_id, n)

-- shape: xml table
SELECT person_id FROM xmltable('/r' PASSING '<r/>' COLUMNS person_id int)

-- shape: json table
SELECT person_id FROM json_table('[]', '$[*]' COLUMNS (person_id int))

-- shape: describe
DESCRIBE SELECT person_id FROM omop.person

-- shape: summarize
SUMMARIZE omop.person

-- shape: show
SHOW TABLES

-- shape: call
CALL pragma_version()

-- shape: explain and run
EXPLAIN ANALYZE SELECT person_id FROM omop.person

-- shape: execute
EXECUTE x

-- shape: declare
DECLARE c CURSOR FOR SELECT person_id FROM omop.person

-- shape: two statements and a comment
SELECT person_id FROM omop.person;--
SELECT 2

-- shape: escape text
SELECT person_id FROM omop.concept WHERE concept_name = E'\x27 OR 1=1'

-- shape: text with a unicode escape
SELECT person_id, U&'d\0061t\+000061' AS x FROM omop.person

-- shape: dollar text
SELECT person_id, $x$DROP$x$ AS x FROM omop.person

-- shape: question mark operator
SELECT person_id FROM omop.person WHERE year_of_birth ? 'a'

-- shape: schema of another
SELECT person_id FROM cohort.person

-- shape: temporary schema
SELECT person_id FROM pg_temp.person

-- shape: catalog before the schema
SELECT person_id FROM cdm.omop.person

-- shape: memory catalog
SELECT person_id FROM memory.main.person

-- shape: system view
SELECT person_id FROM duckdb_settings

-- shape: main schema
SELECT person_id FROM main.person

-- error oracle: a product that vanishes
SELECT person_id FROM omop.measurement WHERE CASE WHEN value_as_number = 5.5 THEN value_as_number * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001 ELSE 1 END > 0

-- error oracle: a power that vanishes
SELECT person_id FROM omop.measurement WHERE power(value_as_number * 0.000000000001 * 0.000000000001 * 0.000000000001 * 0.000000000001, 8) > 0

-- error oracle: a quotient that vanishes
SELECT person_id FROM omop.measurement WHERE power(power(0.001 / value_as_number, 8), 8) > 0

-- error oracle: times before there were any
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_datetime + (TIMESTAMP '0001-01-01 00:00:00' - TIMESTAMP '9999-01-01 00:00:00') > DATE '2000-01-01'

-- error oracle: a difference of times taken away
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_datetime - (visit_end_datetime - visit_start_datetime) > DATE '2000-01-01'

-- error oracle: days taken away, again and again
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_date - 100000 - 100000 - 100000 - 100000 - 100000 - 100000 - 100000 - 100000 - 100000 - 100000 - 100000 > DATE '2000-01-01'

-- error oracle: digits of a decimal
SELECT person_id, CAST(value_as_number AS numeric(400, 350)) AS x FROM omop.measurement
