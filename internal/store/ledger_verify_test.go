package store_test

import (
	"testing"
)

// TestVerifyReadsEveryPage verifies books of more rows than are in memory at a time, in batches that cross the pages.
func TestVerifyReadsEveryPage(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		const calls = 2100
		u, w := b.user(10 * calls)
		for i := range calls {
			h, err := w.Hold(7)
			b.ok(err)
			b.capture(u, w, &h, 5)
			if i%170 == 0 {
				b.ok(b.flush(b.ctx))
			}
		}
		b.booked(u, 5*calls)
		b.clean()
		if n, err := b.store.Wallet().EntriesCount(b.ctx, 10); n != 1 || err != nil {
			t.Errorf("counted %d chunks of entries, %v", n, err)
		}
		b.clean()
		found, err := b.store.Wallet().Verify(b.ctx)
		b.ok(err)
		chain, err := b.store.Wallet().ChainVerify(b.ctx)
		b.ok(err)
		if found.Transfers != calls+1 || found.Tasks != calls || found.Batches != chain.Batches || found.Head != chain.Head {
			t.Errorf("%d transfers, %d tasks, %d batches up to %x; the chain is %+v",
				found.Transfers, found.Tasks, found.Batches, found.Head, chain)
		}
	})
}
