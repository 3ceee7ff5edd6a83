-- Decimals of a currency's smallest coin: the same table as hms.money.DIGITS (ISO 4217; a test compares them).
CREATE FUNCTION hms_minor_digits(currency text) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
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
