package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// ledger walks along all transfers and, beside them, along the batches of the hash chain.
func (a *auditor) ledger(ctx context.Context) error {
	chain := &chainWalk{auditor: a, state: between}
	a.sides = sides{}
	err := pages[wallet.Transfer, transferRow](ctx, a, whole, func(v *wallet.Transfer) int64 { return v.Number },
		func(ctx context.Context, page []wallet.Transfer) error {
			for i := range page {
				v := &page[i]
				differs(a, "numbers", transferName(v), "number", a.last()+1, v.Number)
				if err := chain.transfer(ctx, v); err != nil {
					return err
				}
				if err := a.move(v); err != nil {
					return err
				}
				a.Transfers++
				a.sides.last = v.Number
			}
			return a.references(ctx, page)
		})
	if err != nil {
		return err
	}
	return chain.end(ctx)
}

func (a *auditor) last() int64 { return a.sides.last }

func transferName(v *wallet.Transfer) string { return fmt.Sprintf("transfer %d", v.Number) }

// chainWalk computes the hashes of batches again.
type chainWalk struct {
	*auditor

	state chainState
	batch batchRow // the one that is being read, or was read last
	ahead []batchRow
	hash  chainWriter
	count int64
}

type chainState int

const (
	between chainState = iota // no batch is being read
	within
	ended // there is no further batch
)

// transfer adds a transfer to the batch that it belongs to.
func (c *chainWalk) transfer(ctx context.Context, v *wallet.Transfer) error {
	for c.state != ended && (c.state == between || v.Number > c.batch.LastTransfer) {
		c.close()
		if err := c.open(ctx); err != nil {
			return err
		}
	}
	if c.state == ended || v.Number < c.batch.FirstTransfer {
		c.Add(wallet.Finding{Check: "chain", Row: transferName(v), Field: "batch", Expected: "one", Actual: "none"})
		return nil
	}
	c.hash.transfer(v)
	c.count++
	return nil
}

// open begins the next batch and holds it against the one before.
func (c *chainWalk) open(ctx context.Context) error {
	next, err := c.next(ctx)
	if err != nil || next == nil {
		c.state = ended
		return err
	}
	before := c.batch
	if before.Hash == nil {
		before.Hash = make([]byte, sha256.Size)
	}
	c.batch, c.state, c.count, c.hash = *next, within, 0, chainWriter{hash: sha256.New()}
	c.hash.bytes(next.PrevHash)
	differs(c.auditor, "chain", c.name(), "number", before.Number+1, next.Number)
	differs(c.auditor, "chain", c.name(), "firstTransfer", before.LastTransfer+1, next.FirstTransfer)
	differs(c.auditor, "chain", c.name(), "prevHash", hex.EncodeToString(before.Hash), hex.EncodeToString(next.PrevHash))
	return nil
}

// close holds the batch against the transfers that were found in it.
func (c *chainWalk) close() {
	if c.state != within {
		return
	}
	c.state = between
	c.Batches++
	copy(c.Head[:], c.batch.Hash)
	differs(c.auditor, "chain", c.name(), "count", c.batch.Count, c.count)
	differs(c.auditor, "chain", c.name(), "hash", hex.EncodeToString(c.hash.hash.Sum(nil)), hex.EncodeToString(c.batch.Hash))
}

// end goes through the batches behind the last transfer.
func (c *chainWalk) end(ctx context.Context) error {
	for c.state != ended {
		c.close()
		if err := c.open(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *chainWalk) name() string {
	return fmt.Sprintf("batch %d (transfers %d to %d)", c.batch.Number, c.batch.FirstTransfer, c.batch.LastTransfer)
}

// next returns the next batch, nil when there is none.
func (c *chainWalk) next(ctx context.Context) (*batchRow, error) {
	if len(c.ahead) == 0 {
		after := c.batch.Number
		if c.batch.Hash == nil {
			after = math.MinInt64
		}
		var err error
		c.ahead, err = all[batchRow, batchRow](ctx, c.db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("number > ?", after).Order("number").Limit(verifyPage)
		})
		if err != nil || len(c.ahead) == 0 {
			return nil, err
		}
	}
	next := c.ahead[0]
	c.ahead = c.ahead[1:]
	return &next, nil
}
