-- Odoo runs this when it neutralises a database: for testing, as a copy.
-- A copy must not go on saying that it is the only true one, so its marker goes off it. Data that
-- stands where its marker was written for was neutralised by mistake: it keeps its marker, and the
-- history, the settings and the Launchplane host's next reading say what happened.
-- Whatever is broken here must not stop the neutralisation.
DO $launchplane$
DECLARE
    marker record;
    body text;
    written jsonb;
    at_home boolean := false;
BEGIN
    IF to_regclass('public.launchplane_lane_marker') IS NULL THEN
        RETURN;
    END IF;
    SELECT token, state, lane, generation INTO marker FROM public.launchplane_lane_marker;
    -- A rebuild that is not settled says of itself that it may not act, and is stamped or undone.
    IF marker IS NULL OR marker.state = 'pending' THEN
        RETURN;
    END IF;
    BEGIN
        body := translate(split_part(marker.token, '.', 2), '-_', '+/');
        body := rpad(body, (length(body) + 3) / 4 * 4, '=');
        written := convert_from(decode(body, 'base64'), 'UTF8')::jsonb #> '{order,marker,identity}';
        at_home := written ->> 'database_name' = current_database()
            AND (written ->> 'marker_table_oid')::oid = 'public.launchplane_lane_marker'::regclass
            AND (written ->> 'database_oid')::oid
                = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database());
        IF at_home THEN
            BEGIN
                at_home := written ->> 'system_identifier'
                    = (SELECT system_identifier::text FROM pg_catalog.pg_control_system());
            EXCEPTION WHEN insufficient_privilege THEN
                NULL;
            END;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        at_home := false;
    END;
    IF at_home IS TRUE THEN
        RAISE WARNING 'Database % holds the own data of lane %, not a copy. Its mail servers and '
            'scheduled actions are switched off now. Tell the operator of the Launchplane host.',
            current_database(), marker.lane;
    ELSE
        DELETE FROM public.launchplane_lane_marker;
    END IF;
    BEGIN
        INSERT INTO public.launchplane_lane_event (happened_at, kind, actor, document)
        VALUES (
            now() AT TIME ZONE 'UTC',
            'neutralised',
            current_user,
            jsonb_build_object(
                'lane', marker.lane, 'generation', marker.generation, 'own', at_home IS TRUE
            )::text
        );
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'The marker of the Launchplane lane was left as it is: %', SQLERRM;
END
$launchplane$;
