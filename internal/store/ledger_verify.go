package store

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// Chain is what a walk along the hash chain found.
type Chain struct {
	// Batches and Transfers count what was found in order.
	Batches   int64
	Transfers int64
	// Broken is the number of the first batch that does not follow from the one before it and its transfers; 0: none.
	// One past the last batch means transfers that no batch holds.
	Broken int64
	// Head is the hash of the last batch that was found in order; zero bytes when there is none.
	Head [sha256.Size]byte
}

// ChainVerify computes the hash chain again from the transfers, as of one moment.
func (s *Wallet) ChainVerify(ctx context.Context) (Chain, error) {
	var c Chain
	err := s.snapshot(ctx, func(db bun.IDB) error {
		for c.Broken == 0 {
			found, err := c.step(ctx, db)
			if err != nil || !found {
				return err
			}
		}
		return nil
	})
	return c, err
}

// step checks the next batch and reports whether there was one.
func (c *Chain) step(ctx context.Context, db bun.IDB) (bool, error) {
	batches, err := all[batchRow, batchRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("number > ?", c.Batches).Order("number").Limit(1)
	})
	if err != nil {
		return false, err
	}
	// Without a batch, every transfer that is left over is one too many.
	transfers, err := all[wallet.Transfer, transferRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
		if len(batches) == 0 {
			return q.Where("number > ?", c.Transfers).Limit(1)
		}
		return q.Where("number > ? AND number <= ?", c.Transfers, batches[0].LastTransfer).Order("number")
	})
	switch {
	case err != nil:
		return false, err
	case len(batches) == 0 && len(transfers) == 0:
		return false, nil
	case len(batches) == 0 || !c.follows(&batches[0], transfers):
		c.Broken = c.Batches + 1
		return true, nil
	}
	c.Batches, c.Transfers, c.Head = batches[0].Number, batches[0].LastTransfer, [sha256.Size]byte(batches[0].Hash)
	return true, nil
}

func (c *Chain) follows(b *batchRow, transfers []wallet.Transfer) bool {
	if b.Number != c.Batches+1 || b.FirstTransfer != c.Transfers+1 || b.Count != int64(len(transfers)) {
		return false
	}
	hash := ChainHash(c.Head, transfers)
	return bytes.Equal(b.PrevHash, c.Head[:]) && bytes.Equal(b.Hash, hash[:])
}

func (r batchRow) value() batchRow { return r }
