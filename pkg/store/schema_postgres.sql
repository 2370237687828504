-- One number in one round trip. The row of the key set is locked until the end of the transaction, so no two calls see
-- the same next; a request that was answered while this one waited for the lock gives its number back before anybody
-- has seen it. No row comes back when nothing can be handed out; the caller looks why.
CREATE FUNCTION allocate(p_request TEXT, p_set TEXT, p_serial TEXT, p_at BIGINT, p_seq BIGINT, p_hash TEXT)
RETURNS TABLE (r_request TEXT, r_set TEXT, r_n BIGINT, r_ksn TEXT, r_serial TEXT, r_state TEXT, r_lease TEXT, r_at BIGINT,
  r_changed BIGINT, r_again INTEGER)
LANGUAGE plpgsql AS $$
DECLARE
  v_n BIGINT;
  v_ksn TEXT;
BEGIN
  RETURN QUERY SELECT request, key_set, n, ksn, serial, state, COALESCE(lease, ''), at, changed, 1 FROM allocations
    WHERE request = p_request;
  IF FOUND THEN
    RETURN;
  END IF;
  UPDATE key_sets s SET next = s.next + 1 FROM keys k
    WHERE s.id = p_set AND k.id = s.bdk AND k.state = 'active' AND s.frozen = 0 AND s.next < s.hi
    RETURNING s.next - 1, CASE s.scheme
      WHEN 'tdes-dukpt' THEN s.ksi || LPAD(UPPER(TO_HEX(2 * (s.next - 1))), 5, '0') || '00000'
      ELSE s.ksi || LPAD(UPPER(TO_HEX(s.next - 1)), 8, '0') || '00000000' END
    INTO v_n, v_ksn;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO allocations (request, key_set, n, ksn, serial, state, lease, at, changed)
    VALUES (p_request, p_set, v_n, v_ksn, p_serial, 'reserved', NULL, p_at, p_at) ON CONFLICT (request) DO NOTHING;
  IF NOT FOUND THEN
    UPDATE key_sets SET next = next - 1 WHERE id = p_set;
    RETURN QUERY SELECT request, key_set, n, ksn, serial, state, COALESCE(lease, ''), at, changed, 1 FROM allocations
      WHERE request = p_request;
    RETURN;
  END IF;
  IF p_seq > 0 THEN
    UPDATE meta SET mark_seq = p_seq, mark_hash = p_hash WHERE mark_seq < p_seq;
  END IF;
  RETURN QUERY SELECT p_request, p_set, v_n, v_ksn, p_serial, 'reserved'::TEXT, ''::TEXT, p_at, p_at, 0;
END $$;
