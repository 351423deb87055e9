package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Settings keeps values by key. A value is bytes that the store does not look into; secrets are sealed by whoever puts
// them.
type Settings struct{ *database }

type settingRow struct {
	bun.BaseModel `bun:"table:setting"`

	Key       string
	Value     []byte
	UpdatedAt stamp
}

func (r settingRow) value() []byte { return r.Value }

// Get returns the value of a key; t may be nil. Error: fault.ErrNotFound.
func (s *Settings) Get(ctx context.Context, t tx.Tx, key string) ([]byte, error) {
	return one[[]byte, settingRow](ctx, s.from(t), "key = ?", key)
}

// Put sets the value of a key, new or not.
func (s *Settings) Put(ctx context.Context, t tx.Tx, key string, value []byte) error {
	r := &settingRow{Key: key, Value: append([]byte{}, value...), UpdatedAt: stampOf(s.clock())}
	_, err := in(t).NewInsert().Model(r).On("CONFLICT (key) DO UPDATE").
		Set("value = EXCLUDED.value, updated_at = EXCLUDED.updated_at").Exec(ctx)
	return failure(err)
}

// Delete removes a key. Error: fault.ErrNotFound.
func (s *Settings) Delete(ctx context.Context, t tx.Tx, key string) error {
	return touched(in(t).NewDelete().Table("setting").Where("key = ?", key).Exec(ctx))
}
