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

-- Decimals of a currency's smallest coin: the same table as hms.money.DIGITS (ISO 4217; a test compares them).
-- Not STRICT: so the planner writes it out where reports round a million times.
CREATE FUNCTION hms_minor_digits(currency text) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND',
                          'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        ELSE 2 END $$;

-- How documents are numbered: 2026-000041, C2026-000007. From the millionth on a digit longer.
CREATE FUNCTION hms_document_number(series text, year int, serial int) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT series || year::text || '-' || lpad(serial::text, greatest(6, length(serial::text)), '0') $$;

-- Raises as a check constraint of this name would.
CREATE FUNCTION hms_refuse(name text, sentence text) RETURNS void
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '%: %', name, sentence USING ERRCODE = '23514', CONSTRAINT = name; END $$;

-- Lines change only while the invoice is a draft. The row is locked against being issued meanwhile: somebody who
-- issues it in this moment is waited for, and then seen.
CREATE FUNCTION hms_check_draft(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    its_number text;
BEGIN
    SELECT number INTO its_number FROM hms_invoice WHERE id = pk FOR SHARE;
    IF its_number IS NOT NULL THEN
        PERFORM hms_refuse('issued_is_final', 'the lines of an issued invoice never change');
    END IF;
END $$;

-- A line of a draft: whole minor units, and an amount that is quantity times price, rounded, less the discount.
CREATE FUNCTION hms_check_line(pk bigint, quantity numeric, unit_price numeric, discount numeric, net numeric) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    digits int;
BEGIN
    PERFORM hms_check_draft(pk);
    SELECT hms_minor_digits(currency) INTO digits FROM hms_invoice WHERE id = pk;
    IF unit_price <> round(unit_price, digits) OR discount <> round(discount, digits) THEN
        PERFORM hms_refuse('line_in_minor_units', 'the currency has no smaller coin');
    END IF;
    IF net <> round(quantity * unit_price, digits) - discount THEN
        PERFORM hms_refuse('line_net_is_product', 'the amount is quantity times unit price less discount');
    END IF;
END $$;

-- Tax per rate, on the sum of its lines (hms.money.tax).
CREATE FUNCTION hms_invoice_tax(pk bigint, digits int) RETURNS numeric
    LANGUAGE plpgsql STABLE
    AS $$ BEGIN RETURN (
        SELECT coalesce(sum(round(n * rate / 100, digits)), 0)
        FROM (SELECT tax_rate AS rate, sum(net) AS n FROM hms_invoiceline WHERE invoice_id = pk GROUP BY tax_rate) AS r
    ); END $$;

-- What must hold of an invoice at each commit: its sums, no gap before its number, cancelled only by credit notes.
CREATE FUNCTION hms_check_invoice(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    i record;
    net numeric;
    how_many int;
    credited numeric;
BEGIN
    SELECT * INTO i FROM hms_invoice WHERE id = pk;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT coalesce(sum(l.net), 0), count(*) INTO net, how_many FROM hms_invoiceline l WHERE l.invoice_id = pk;
    IF i.amount <> net THEN
        PERFORM hms_refuse('invoice_is_sum_of_lines', format('amount of invoice %s is %s, its lines say %s', pk, i.amount, net));
    END IF;
    IF i.tax_amount <> hms_invoice_tax(pk, hms_minor_digits(i.currency)) THEN
        PERFORM hms_refuse('invoice_tax_of_lines', format('tax of invoice %s is not that of its lines', pk));
    END IF;
    IF i.number IS NULL THEN
        RETURN;
    END IF;
    IF how_many = 0 THEN
        PERFORM hms_refuse('invoice_has_lines', 'an invoice without lines is not issued');
    END IF;
    IF i.issued_on IS NULL THEN
        PERFORM hms_refuse('invoice_has_issue_day', 'an issued invoice has its day');
    END IF;
    IF i.serial > 1 AND NOT EXISTS (SELECT FROM hms_invoice WHERE year = i.year AND serial = i.serial - 1) THEN
        PERFORM hms_refuse('invoice_no_gap', format('there is no number before %s', i.number));
    END IF;
    SELECT coalesce(sum(total_amount), 0) INTO credited FROM hms_creditnote WHERE invoice_id = pk;
    IF (i.status = 'CANCELLED') <> (credited = i.total_amount AND credited > 0) THEN
        PERFORM hms_refuse('invoice_cancelled_by_credit', 'cancelled is what credit notes have taken back wholly');
    END IF;
END $$;

-- What must hold of a credit note at commit: its sums, the invoice's state, and that what is left of the invoice is
-- never below zero and taxed like an invoice over just that.
CREATE FUNCTION hms_check_credit(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    c record;
    i record;
    digits int;
    net numeric;
    tax_left numeric;
    tax_credited numeric;
BEGIN
    SELECT * INTO c FROM hms_creditnote WHERE id = pk;
    SELECT * INTO i FROM hms_invoice WHERE id = c.invoice_id;
    digits := hms_minor_digits(i.currency);
    IF i.number IS NULL THEN
        PERFORM hms_refuse('credit_of_issued', 'a draft is not credited');
    END IF;
    SELECT coalesce(sum(l.net), 0) INTO net FROM hms_creditnoteline l WHERE l.credit_note_id = pk;
    IF c.amount <> net THEN
        PERFORM hms_refuse('credit_is_sum_of_lines', format('amount of credit note %s is %s, its lines say %s', pk, c.amount, net));
    END IF;
    IF EXISTS (SELECT FROM hms_creditnoteline cl JOIN hms_invoiceline l ON l.id = cl.line_id
               WHERE cl.credit_note_id = pk AND (l.invoice_id <> c.invoice_id OR cl.net <> round(cl.net, digits))) THEN
        PERFORM hms_refuse('credit_of_own_lines', 'whole coins of lines of the same invoice are credited');
    END IF;
    IF EXISTS (SELECT FROM hms_invoiceline l JOIN hms_creditnoteline cl ON cl.line_id = l.id
               WHERE l.invoice_id = c.invoice_id GROUP BY l.id, l.net HAVING sum(cl.net) > l.net) THEN
        PERFORM hms_refuse('credit_at_most_all', 'no more is taken off a line than it holds');
    END IF;
    SELECT coalesce(sum(round(n * rate / 100, digits)), 0) INTO tax_left
    FROM (SELECT l.tax_rate AS rate,
                 sum(l.net - coalesce((SELECT sum(cl.net) FROM hms_creditnoteline cl WHERE cl.line_id = l.id), 0)) AS n
          FROM hms_invoiceline l WHERE l.invoice_id = c.invoice_id GROUP BY l.tax_rate) AS r;
    SELECT sum(tax_amount) INTO tax_credited FROM hms_creditnote WHERE invoice_id = c.invoice_id;
    IF i.tax_amount - tax_credited <> tax_left THEN
        PERFORM hms_refuse('credit_tax_of_lines', 'what is left of an invoice is taxed like an invoice over just that');
    END IF;
    IF c.serial > 1 AND NOT EXISTS (SELECT FROM hms_creditnote WHERE year = c.year AND serial = c.serial - 1) THEN
        PERFORM hms_refuse('credit_no_gap', format('there is no number before %s', c.number));
    END IF;
    PERFORM hms_check_invoice(c.invoice_id);
END $$;

-- A patient's credit is never below zero, a refund never above its payment, nothing goes into a closed shift.
CREATE FUNCTION hms_check_credit_of(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    credit numeric;
BEGIN
    SELECT (SELECT coalesce(sum(value), 0) FROM hms_payment WHERE patient_id = pk)
         - (SELECT coalesce(sum(a.amount), 0) FROM hms_allocation a JOIN hms_invoice i ON i.id = a.invoice_id
            WHERE i.patient_id = pk)
    INTO credit;
    IF credit < 0 THEN
        PERFORM hms_refuse('credit_not_negative', format('patient %s would have a credit of %s', pk, credit));
    END IF;
END $$;

-- What cash was rounded by is a row of that cash, at most half the smallest coin, and goes with it.
CREATE FUNCTION hms_check_payment(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    p record;
    o record;
    back numeric;
    both_ids bigint[];
BEGIN
    SELECT * INTO p FROM hms_payment WHERE id = pk;
    IF p.value <> round(p.value, hms_minor_digits(p.currency)) THEN
        PERFORM hms_refuse('payment_in_coins', 'a payment is a whole number of coins');
    END IF;
    IF p.of_id IS NOT NULL THEN
        SELECT * INTO o FROM hms_payment WHERE id = p.of_id;
        IF o.patient_id <> p.patient_id OR o.method <> p.method AND p.kind <> 'ROUNDING' THEN
            PERFORM hms_refuse('payment_of_another', 'money goes back to whom, and by the method by which, it came');
        END IF;
        IF p.kind = 'ROUNDING' AND (o.method <> 'CASH' OR o.kind NOT IN ('PAYMENT', 'REFUND')
            OR abs(p.value) * 2 > (SELECT cash_rounding FROM hms_hospital)) THEN
            PERFORM hms_refuse('rounding_of_cash', 'only cash is rounded, by at most half the smallest coin');
        END IF;
        IF p.kind = 'REVERSAL' AND p.value <> -o.value THEN
            PERFORM hms_refuse('reversal_of_all', 'a reversal takes back the whole row');
        END IF;
        IF p.kind = 'REVERSAL' THEN
            SELECT array_agg(id) INTO both_ids FROM hms_payment
            WHERE id = (CASE WHEN o.kind = 'ROUNDING' THEN o.of_id ELSE o.id END)
               OR of_id = (CASE WHEN o.kind = 'ROUNDING' THEN o.of_id ELSE o.id END) AND kind = 'ROUNDING';
            IF (SELECT count(*) FROM hms_payment WHERE of_id = ANY(both_ids) AND kind = 'REVERSAL')
                <> cardinality(both_ids) THEN
                PERFORM hms_refuse('rounding_goes_with_cash', 'cash and what it was rounded by are taken back together');
            END IF;
        END IF;
        SELECT coalesce(sum(value), 0) INTO back FROM hms_payment f
        WHERE f.of_id = p.of_id AND f.kind = 'REFUND'
          AND NOT EXISTS (SELECT FROM hms_payment r WHERE r.of_id = f.id AND r.kind = 'REVERSAL');
        IF p.kind = 'REFUND' AND -back > o.value THEN
            PERFORM hms_refuse('refund_at_most_paid', 'no more is given back than was paid');
        END IF;
    END IF;
    PERFORM hms_check_credit_of(p.patient_id);
END $$;

-- What is paid of an invoice lies between nothing and what it still says; paid is what is paid wholly.
CREATE FUNCTION hms_check_allocation(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    i record;
    paid numeric;
    rest numeric;
BEGIN
    SELECT * INTO i FROM hms_invoice WHERE id = pk;
    SELECT coalesce(sum(amount), 0) INTO paid FROM hms_allocation WHERE invoice_id = pk;
    SELECT i.total_amount - coalesce(sum(total_amount), 0) INTO rest FROM hms_creditnote WHERE invoice_id = pk;
    IF paid < 0 OR paid > rest THEN
        PERFORM hms_refuse('allocation_within_invoice', format('invoice %s would be paid %s of %s', pk, paid, rest));
    END IF;
    IF i.number IS NULL THEN
        PERFORM hms_refuse('allocation_of_issued', 'a draft is not paid');
    END IF;
    IF i.status <> 'CANCELLED' AND (i.status = 'PAID') <> (paid = rest) THEN
        PERFORM hms_refuse('invoice_paid_by_ledger', format('invoice %s is %s, and paid %s of %s', pk, i.status, paid, rest));
    END IF;
    PERFORM hms_check_credit_of(i.patient_id);
END $$;
