In a loop, in a comprehension, through a function, with pandas' apply, and where the guard is around the loop.
-- app/client_app.py (more) --
def one(flip_client, accession_id):
    return flip_client.get_by_accession_number("p", accession_id)


def many(flip_client, df):
    for accession_id in df["accession_id"]:
        flip_client.get_by_accession_number("p", accession_id)  #> accession_loop_without_try
    folders = [one(flip_client, a) for a in df["accession_id"]]  #> accession_loop_without_try
    df["accession_id"].apply(lambda a: flip_client.get_by_accession_number("p", a))  #> accession_loop_without_try
    try:
        for accession_id in df["accession_id"]:
            folders.append(flip_client.get_by_accession_number("p", accession_id))  #> accession_loop_without_try
    except Exception:
        return None
    for accession_id in df["accession_id"]:
        try:
            folders.append(one(flip_client, accession_id))
        except Exception:
            continue
    return flip_client.get_by_accession_number("p", df["accession_id"][0])
