package store

import (
	"context"
	"time"
)

// Alive returns the names of nodes that were seen within a time; none on SQLite.
func (s *Leases) Alive(ctx context.Context, within time.Duration) ([]string, error) {
	if s.engine == sqlite {
		return nil, nil
	}
	var names []string
	err := s.reader.NewSelect().Table("node").Column("name").
		Where("seen_at > now_micros() - ?", within.Microseconds()).Order("name").Scan(ctx, &names)
	return names, failure(err)
}

// Out returns how many leases are out and how many settlements are not folded yet; none on SQLite.
func (s *Leases) Out(ctx context.Context) (n int64, err error) {
	if s.engine == sqlite {
		return 0, nil
	}
	err = s.reader.NewRaw(`SELECT (SELECT COUNT(*) FROM lease WHERE state = 'active') +
		(SELECT COUNT(*) FROM settlement WHERE final AND folded_at IS NULL AND refusal IS NULL)`).Scan(ctx, &n)
	return n, failure(err)
}
