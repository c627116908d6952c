/* Deleting everything an owner has in a table. */
#include "execute/execute_int.h"

Status delete_owner_rows(Run *run, const CatalogTable *table, OwnerId owner, uint64_t *count,
                         Error *error)
{
    Engine *engine = run->executor->engine;
    EngineTable *opened = engine_table(engine, table->id);
    *count = 0;
    if (opened == NULL) /* dropped meanwhile, and its rows with it */
        return OK;
    Status status = engine_delete_owner_rows(engine, opened, owner, run->options.write_timeout_ns,
                                             count, error);
    engine_table_release(opened);
    return status == STATUS_UNDEFINED_TABLE ? OK : status;
}

static Status submit(Run *run, OwnerId owner, Error *error)
{
    char id[JOB_ID_BYTES];
    JobRequest request = {.type = JOB_USER_CLEANUP,
                          .owner = owner,
                          .submitter = run->who.user_id,
                          .trigger = TRIGGER_COMMAND};
    return jobs_submit(run->executor->jobs, &request, id, error);
}

/* Where even this fails, housekeeping finds the rows once they are in files. */
void submit_user_cleanup(Run *run, OwnerId owner)
{
    Error ignored;
    Status submitted = submit(run, owner, &ignored);
    (void)submitted;
}

Status clean_up_owner(Run *run, OwnerId owner, Error *error)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(run->plan->snapshot, &tables);
    bool has_files = false;
    for (size_t i = 0; i < count && !has_files; i++) {
        OwnerId found;
        EngineTable *opened = engine_table(run->executor->engine, tables[i]->id);
        if (opened != NULL)
            has_files = engine_find_owner(opened, &owner, 1, &found);
        engine_table_release(opened);
    }
    return has_files ? submit(run, owner, error) : OK;
}
