-- One row per chest radiograph, with 1 where pneumonia was diagnosed within two weeks of it, and who was imaged.
SELECT
    io.accession_id,
    io.person_id,
    2025 - p.year_of_birth AS age,
    CASE WHEN EXISTS (
        SELECT 1
        FROM omop.condition_occurrence AS c
        WHERE c.person_id = io.person_id
            AND c.condition_concept_id = 255848
            AND c.condition_start_date BETWEEN io.image_occurrence_date - 14 AND io.image_occurrence_date + 14
    ) THEN 1 ELSE 0 END AS pneumonia
FROM omop.image_occurrence AS io
JOIN omop.person AS p ON p.person_id = io.person_id
WHERE io.modality_concept_id = 4163872
