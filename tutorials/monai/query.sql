-- One row per CT of the abdomen: which study, and who was imaged.
SELECT
    io.accession_id,
    io.person_id,
    p.year_of_birth,
    p.gender_concept_id
FROM omop.image_occurrence AS io
JOIN omop.person AS p ON p.person_id = io.person_id
WHERE io.modality_concept_id = 4013636
    AND io.anatomic_site_concept_id = 4194129
