CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

-- How names are compared: lower case, no accents, no apostrophes, hyphens as spaces, single spaces.
-- IMMUTABLE although unaccent() is only STABLE: its dictionary is named and part of the installation.
CREATE FUNCTION hms_plain(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT btrim(regexp_replace(translate(lower(public.unaccent('public.unaccent'::regdictionary, value)), '''’ʼ`´', ''), '[\s–-]+', ' ', 'g')) $$;

-- The check digit of a medical record number, by ISO 7064 MOD 11,10: finds every wrong digit and nearly every swap.
CREATE FUNCTION hms_check_digit(digits text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
    AS $$
DECLARE
    product int := 10;
    total int;
BEGIN
    FOR i IN 1..length(digits) LOOP
        total := (product + substr(digits, i, 1)::int) % 10;
        IF total = 0 THEN total := 10; END IF;
        product := (total * 2) % 11;
    END LOOP;
    RETURN ((11 - product) % 10)::text;
END $$;

CREATE SEQUENCE hms_record_number START 1000001;

CREATE FUNCTION hms_next_record_number() RETURNS text
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    digits text := nextval('hms_record_number')::text;
BEGIN
    RETURN digits || hms_check_digit(digits);
END $$;

CREATE FUNCTION hms_record_number_ok(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT CASE WHEN value ~ '^[0-9]{8,12}$' THEN right(value, 1) = hms_check_digit(left(value, -1)) ELSE false END $$;

-- Keeps hms_nametoken: each word of these names, once.
CREATE FUNCTION hms_add_name_tokens(names text[]) RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    INSERT INTO hms_nametoken (token)
    SELECT DISTINCT word FROM unnest(names) AS name, regexp_split_to_table(name, ' ') AS word
    WHERE length(word) > 1 AND NOT EXISTS (SELECT 1 FROM hms_nametoken WHERE token = word)
    ORDER BY word
    ON CONFLICT DO NOTHING;
END $$;

-- Django's cache, shared by all processes: rate limits count the same everywhere.
CREATE UNLOGGED TABLE hms_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX hms_cache_expires ON hms_cache (expires);
