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

CREATE FUNCTION hms_check_payment(pk bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    p record;
    o record;
    back numeric;
BEGIN
    SELECT * INTO p FROM hms_payment WHERE id = pk;
    IF p.value <> round(p.value, hms_minor_digits(p.currency)) THEN
        PERFORM hms_refuse('payment_in_coins', 'a payment is a whole number of coins');
    END IF;
    IF p.of_id IS NOT NULL THEN
        SELECT * INTO o FROM hms_payment WHERE id = p.of_id;
        IF o.patient_id <> p.patient_id OR o.method <> p.method THEN
            PERFORM hms_refuse('payment_of_another', 'money goes back to whom, and by the method by which, it came');
        END IF;
        IF p.kind = 'REVERSAL' AND p.value <> -o.value THEN
            PERFORM hms_refuse('reversal_of_all', 'a reversal takes back the whole row');
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
