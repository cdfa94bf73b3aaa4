-- Cohort queries that must pass. Each is a paragraph; its first line names it.

-- the seed's shape: one row per CT of the abdomen
SELECT io.accession_id, io.person_id, p.year_of_birth, p.gender_concept_id, io.image_occurrence_date
FROM omop.image_occurrence AS io JOIN omop.person AS p ON p.person_id = io.person_id
WHERE io.modality_concept_id = 4013636 AND io.anatomic_site_concept_id = 4194129

-- accessions alone
SELECT DISTINCT accession_id FROM omop.image_occurrence WHERE modality_concept_id = 4013636

-- all columns of a table
SELECT * FROM omop.person

-- without a schema
SELECT person_id FROM person

-- upper case and a semicolon
SELECT PERSON_ID FROM OMOP.PERSON WHERE YEAR_OF_BIRTH < 1950;

-- a table by its name
TABLE omop.person

-- inner join
SELECT p.person_id, p.year_of_birth FROM omop.person p JOIN omop.death d ON d.person_id = p.person_id

-- using
SELECT p.person_id FROM omop.person p JOIN omop.death d USING (person_id)

-- left join, those without
SELECT p.person_id FROM omop.person p LEFT JOIN omop.death d ON d.person_id = p.person_id WHERE d.person_id IS NULL

-- cte
WITH ill AS (SELECT DISTINCT person_id FROM omop.condition_occurrence WHERE condition_concept_id IN (201826, 320128))
SELECT i.person_id FROM ill AS i

-- two ctes
WITH a AS (SELECT person_id FROM omop.death), b AS (SELECT person_id FROM a) SELECT b.person_id FROM b

-- exists
SELECT p.person_id FROM omop.person p WHERE EXISTS (SELECT 1 FROM omop.drug_exposure d WHERE d.person_id = p.person_id AND d.drug_concept_id = 1503297)

-- not exists
SELECT p.person_id FROM omop.person p WHERE NOT EXISTS (SELECT 1 FROM omop.condition_occurrence c WHERE c.person_id = p.person_id AND c.condition_concept_id = 201826)

-- in a subquery
SELECT person_id FROM omop.person WHERE person_id IN (SELECT person_id FROM omop.measurement WHERE value_as_number > 100)

-- not in a subquery
SELECT person_id FROM omop.person WHERE person_id NOT IN (SELECT person_id FROM omop.death)

-- except
SELECT person_id FROM omop.person EXCEPT SELECT person_id FROM omop.death

-- intersect
SELECT person_id FROM omop.condition_occurrence INTERSECT SELECT person_id FROM omop.drug_exposure

-- union all
SELECT person_id FROM omop.death UNION ALL SELECT person_id FROM omop.measurement

-- age in whole decades
SELECT person_id, (2024 - year_of_birth) / 10 AS band FROM omop.person

-- age below zero is cut towards zero
SELECT person_id, (year_of_birth - 2025) / 7 AS band, mod(year_of_birth, 7) AS m FROM omop.person

-- division by something that may be zero
SELECT person_id, 100 / (year_of_birth - 1950) AS q, 1.0 / (month_of_birth - 6) AS r FROM omop.person

-- count and mean per person
SELECT person_id, count(*) AS n, avg(value_as_number) AS mean FROM omop.measurement GROUP BY person_id HAVING count(*) > 3

-- sums of whole numbers and of others
SELECT person_id, sum(refills) AS r, sum(days_supply) / 7 AS weeks, sum(quantity) AS q FROM omop.drug_exposure GROUP BY person_id

-- smallest and largest
SELECT person_id, min(measurement_date) AS first, max(value_as_number) AS highest FROM omop.measurement GROUP BY person_id

-- standard deviation and variance
SELECT person_id, stddev(value_as_number) AS sd, variance(value_as_number) AS var FROM omop.measurement GROUP BY person_id HAVING count(*) > 2

-- median and quartile
SELECT person_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY value_as_number) AS median, percentile_disc(0.25) WITHIN GROUP (ORDER BY value_as_number) AS low FROM omop.measurement GROUP BY person_id

-- aggregates of some rows
SELECT person_id, count(*) FILTER (WHERE value_as_number > 100) AS high, sum(1) FILTER (WHERE value_as_number <= 100) AS low FROM omop.measurement GROUP BY person_id

-- distinct within an aggregate
SELECT person_id, count(DISTINCT condition_concept_id) AS kinds FROM omop.condition_occurrence GROUP BY person_id

-- dates against dates and today
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_date >= DATE '2020-01-01' AND visit_start_date < CURRENT_DATE - INTERVAL '30 days'

-- a date as text
SELECT person_id, visit_start_date FROM omop.visit_occurrence WHERE visit_start_date BETWEEN '2019-01-01' AND '2019-06-30'

-- a cast date
SELECT person_id FROM omop.visit_occurrence WHERE visit_start_date > '2020-02-29'::date AND visit_start_datetime < CAST('2021-01-01 12:00:00' AS timestamp)

-- year, month and day of week
SELECT person_id, extract(year FROM condition_start_date) AS y, extract(month FROM condition_start_date) AS m, extract(dow FROM condition_start_date) AS d FROM omop.condition_occurrence

-- quarter and week
SELECT person_id, extract(quarter FROM visit_start_date) AS q, extract(week FROM visit_start_date) AS w, extract(doy FROM visit_start_date) AS d FROM omop.visit_occurrence

-- hour of a time
SELECT person_id, extract(hour FROM visit_start_datetime) AS h FROM omop.visit_occurrence

-- start of the month
SELECT person_id, date_trunc('month', visit_start_date) AS month FROM omop.visit_occurrence

-- days between
SELECT person_id, visit_end_date - visit_start_date AS days FROM omop.visit_occurrence

-- a date and a number of days
SELECT person_id, drug_exposure_start_date + days_supply AS until, drug_exposure_start_date + 28 AS month FROM omop.drug_exposure

-- a date and days as an interval
SELECT person_id FROM omop.drug_exposure WHERE drug_exposure_start_date + days_supply * INTERVAL '1 day' > DATE '2020-01-01'

-- age at an event
SELECT c.person_id, extract(year FROM c.condition_start_date) - p.year_of_birth AS age FROM omop.condition_occurrence c JOIN omop.person p ON p.person_id = c.person_id WHERE extract(year FROM c.condition_start_date) - p.year_of_birth >= 18

-- case
SELECT person_id, CASE WHEN gender_concept_id = 8507 THEN 'm' ELSE 'f' END AS sex FROM omop.person

-- case of a value
SELECT person_id, CASE gender_concept_id WHEN 8507 THEN 1 WHEN 8532 THEN 2 ELSE 0 END AS sex FROM omop.person

-- coalesce, nullif, greatest, least
SELECT person_id, coalesce(month_of_birth, 0) AS m, nullif(race_concept_id, 0) AS race, greatest(year_of_birth, 1940) AS g, least(year_of_birth, 2000) AS l FROM omop.person

-- rounding
SELECT person_id, round(avg(value_as_number), 1) AS mean, floor(max(value_as_number)) AS f, ceil(min(value_as_number)) AS c FROM omop.measurement GROUP BY person_id

-- roots and logarithms
SELECT person_id, sqrt(value_as_number) AS root, ln(value_as_number) AS log, log(value_as_number) AS lg, power(value_as_number, 2) AS sq, abs(value_as_number - 100) AS a FROM omop.measurement WHERE value_as_number < 200

-- casts
SELECT person_id, CAST(value_as_number AS int) AS i, year_of_birth::text AS t, CAST(year_of_birth AS double precision) / 10 AS d FROM omop.measurement JOIN omop.person USING (person_id) WHERE value_as_number IS NOT NULL AND 1 = 0 OR measurement_concept_id = 3004410

-- a cast to decimals
SELECT person_id, CAST(value_as_number AS numeric(10, 1)) AS d, value_as_number::numeric AS n FROM omop.measurement WHERE measurement_concept_id = 3004410

-- first visit of each person
SELECT person_id, day FROM (SELECT person_id, visit_start_date AS day, row_number() OVER (PARTITION BY person_id ORDER BY visit_start_date, visit_occurrence_id) AS r FROM omop.visit_occurrence) AS v WHERE r = 1

-- rank and previous value
SELECT person_id, visit_start_date, rank() OVER (PARTITION BY person_id ORDER BY visit_start_date) AS k, lag(visit_start_date, 1) OVER (PARTITION BY person_id ORDER BY visit_start_date, visit_occurrence_id) AS before FROM omop.visit_occurrence

-- running sum
SELECT person_id, drug_exposure_start_date, sum(days_supply) OVER (PARTITION BY person_id ORDER BY drug_exposure_start_date, drug_exposure_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total FROM omop.drug_exposure

-- descendants of a concept
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept_ancestor a ON a.descendant_concept_id = c.condition_concept_id WHERE a.ancestor_concept_id = 201826

-- descendants by IN
SELECT person_id FROM omop.condition_occurrence WHERE condition_concept_id IN (SELECT descendant_concept_id FROM omop.concept_ancestor WHERE ancestor_concept_id = 201826)

-- descendants by EXISTS
SELECT c.person_id FROM omop.condition_occurrence c WHERE EXISTS (SELECT 1 FROM omop.concept_ancestor a WHERE a.descendant_concept_id = c.condition_concept_id AND a.ancestor_concept_id = 201826)

-- a concept by its words
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id WHERE lower(k.concept_name) LIKE '%spleen%'

-- text functions
SELECT c.person_id, upper(k.concept_name) AS n, length(k.concept_name) AS l, substring(k.concept_code FROM 1 FOR 3) AS code, k.domain_id || ':' || k.concept_class_id AS d, concat(k.vocabulary_id, '-', k.concept_id) AS v FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id

-- concepts mapped
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept_relationship r ON r.concept_id_1 = c.condition_concept_id WHERE r.relationship_id = 'Maps to'

-- a vocabulary by its name
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id JOIN omop.domain d ON d.domain_id = k.domain_id WHERE d.domain_name ILIKE 'cond%'

-- ohdsi: new users of a drug with a year of observation before
WITH first_use AS (SELECT person_id, min(drug_exposure_start_date) AS index_date FROM omop.drug_exposure WHERE drug_concept_id IN (1503297, 1545958) GROUP BY person_id)
SELECT f.person_id, f.index_date FROM first_use f JOIN omop.observation_period op ON op.person_id = f.person_id
WHERE f.index_date >= op.observation_period_start_date + INTERVAL '365 days' AND f.index_date <= op.observation_period_end_date

-- ohdsi: condition then drug within 90 days
SELECT DISTINCT c.person_id FROM omop.condition_occurrence c JOIN omop.drug_exposure d ON d.person_id = c.person_id
AND d.drug_exposure_start_date >= c.condition_start_date AND d.drug_exposure_start_date <= c.condition_start_date + INTERVAL '90 days' WHERE c.condition_concept_id = 201826

-- ohdsi: two diagnoses at least 30 days apart
SELECT a.person_id FROM omop.condition_occurrence a JOIN omop.condition_occurrence b ON b.person_id = a.person_id
AND b.condition_start_date >= a.condition_start_date + INTERVAL '30 days' WHERE a.condition_concept_id = 320128 AND b.condition_concept_id = 320128 GROUP BY a.person_id

-- ohdsi: inpatients with a laboratory value
SELECT v.person_id, m.value_as_number FROM omop.visit_occurrence v JOIN omop.measurement m ON m.visit_occurrence_id = v.visit_occurrence_id WHERE v.visit_concept_id = 9201 AND m.measurement_concept_id = 3016723

-- ohdsi: latest value of each person
WITH ranked AS (SELECT person_id, value_as_number, measurement_date, row_number() OVER (PARTITION BY person_id ORDER BY measurement_date DESC, measurement_id DESC) AS n FROM omop.measurement WHERE measurement_concept_id = 3004410)
SELECT person_id, value_as_number AS hba1c FROM ranked WHERE n = 1 AND value_as_number >= 6.5

-- ohdsi: eras
SELECT e.person_id FROM omop.drug_era e JOIN omop.condition_era c ON c.person_id = e.person_id WHERE e.drug_era_start_date > c.condition_era_start_date

-- ohdsi: died within a year of a diagnosis
SELECT c.person_id FROM omop.condition_occurrence c JOIN omop.death d ON d.person_id = c.person_id WHERE d.death_date - c.condition_start_date BETWEEN 0 AND 365

-- ohdsi: a cohort that the site generated
SELECT p.person_id FROM omop.cohort c JOIN omop.person p ON p.person_id = c.subject_id WHERE c.cohort_definition_id = 17

-- ohdsi: visit details of a visit
SELECT d.person_id FROM omop.visit_detail d JOIN omop.visit_occurrence v ON v.visit_occurrence_id = d.visit_occurrence_id WHERE v.visit_concept_id = 9201

-- imaging with a finding
SELECT DISTINCT io.accession_id, io.person_id FROM omop.image_occurrence io JOIN omop.image_feature f ON f.image_occurrence_id = io.image_occurrence_id WHERE f.image_feature_concept_id = 4058705

-- imaging of persons with a diagnosis before it
SELECT io.accession_id, io.person_id FROM omop.image_occurrence io WHERE EXISTS (SELECT 1 FROM omop.condition_occurrence c WHERE c.person_id = io.person_id AND c.condition_start_date <= io.image_occurrence_date)

-- imaging procedures
SELECT p.person_id, io.accession_id FROM omop.procedure_occurrence p JOIN omop.image_occurrence io ON io.procedure_occurrence_id = p.procedure_occurrence_id

-- studies of each person
SELECT person_id, count(DISTINCT accession_id) AS studies FROM omop.image_occurrence GROUP BY person_id HAVING count(DISTINCT accession_id) >= 1

-- care sites and places
SELECT p.person_id, l.country_concept_id FROM omop.person p JOIN omop.location l ON l.location_id = p.location_id

-- providers
SELECT v.person_id FROM omop.visit_occurrence v JOIN omop.provider p ON p.provider_id = v.provider_id WHERE p.specialty_concept_id = 38004456

-- notes by kind, not by text
SELECT n.person_id FROM omop.note n JOIN omop.note_nlp x ON x.note_id = n.note_id WHERE n.note_type_concept_id = 44814645

-- specimens, payers, devices, episodes
SELECT s.person_id FROM omop.specimen s UNION SELECT y.person_id FROM omop.payer_plan_period y UNION SELECT d.person_id FROM omop.device_exposure d UNION SELECT e.person_id FROM omop.episode e

-- ordered
SELECT person_id, year_of_birth FROM omop.person ORDER BY year_of_birth DESC, person_id

-- booleans
SELECT person_id, year_of_birth < 1950 AND NOT gender_concept_id = 8507 AS old_woman, (month_of_birth IS NULL) AS unknown FROM omop.person

-- nothing but nobody
SELECT person_id FROM omop.person WHERE year_of_birth > 3000

-- nested derived tables
SELECT x.person_id, x.n FROM (SELECT y.person_id, y.n FROM (SELECT person_id, count(*) AS n FROM omop.visit_occurrence GROUP BY person_id) AS y WHERE y.n > 1) AS x JOIN omop.person p ON p.person_id = x.person_id

-- whole numbers beyond 32 bits
SELECT person_id, year_of_birth * 2000000 AS a, coalesce(month_of_birth, 5) * 1000000000 AS b, mod(year_of_birth * 2000000, 7) AS c, abs(year_of_birth * -2000000) AS d, 2000000000 + 2000000000 AS e FROM omop.person

-- whole numbers beyond 32 bits for some
SELECT person_id FROM omop.person WHERE CASE WHEN year_of_birth > 1980 THEN year_of_birth ELSE 1 END * 2000000 > 0

-- days and lengths beyond 32 bits
SELECT c.person_id, length(k.concept_name) * 1000000000 AS l, (c.condition_end_date - c.condition_start_date + 3) * 1000000000 AS d FROM omop.condition_occurrence c JOIN omop.concept k ON k.concept_id = c.condition_concept_id

-- dates of another age
SELECT person_id, visit_start_date - 1000000 - 1000000 - 1000000 AS a, visit_start_date - visit_concept_id * 1000 AS b FROM omop.visit_occurrence

-- small numbers
SELECT person_id, value_as_number * 0.000000000001 * 0.000000000001 AS x, power(value_as_number / 1000000, 8) AS y FROM omop.measurement WHERE measurement_concept_id = 3004410

-- whole numbers of others
SELECT person_id, CAST(sum(value_as_number) * 1000 AS bigint) AS x, CAST(value_as_number / 7 AS int) AS y FROM omop.measurement WHERE measurement_concept_id = 3004410 GROUP BY person_id, value_as_number

-- a number that is too large to be whole is unknown
SELECT person_id, CAST(0.001 / (value_as_number * 0.000000000001 * 0.000000000001 * 0.000000000001) AS bigint) AS x FROM omop.measurement WHERE measurement_concept_id = 3004410
