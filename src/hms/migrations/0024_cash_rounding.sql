-- As in 0011, and: what cash was rounded by is a row of that cash, at most half the smallest coin, and goes with it.
CREATE OR REPLACE FUNCTION hms_check_payment(pk bigint) RETURNS void
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
