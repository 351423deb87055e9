package store

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// ChainHash is the hash of a ledger batch: SHA-256 over the hash of the batch before it (32 zero bytes for the first)
// and the batch's transfers in the order of their numbers. Whoever changes, removes or inserts a transfer breaks it and
// every hash after it. Source: MONEY section 2, I9.
//
// A transfer is encoded as its fields in this order: Number, ID, At (microseconds since 1970 UTC, 0 for none), Kind,
// Currency, Amount, DebitAccountID, CreditAccountID, DebitAfter, CreditAfter, RefType, RefID, HoldAmount, Reason,
// Metadata. Integers are 8 bytes, big-endian, in two's complement; identifiers their 16 bytes; texts and documents their
// length as such an integer and then their bytes.
func ChainHash(previous [sha256.Size]byte, transfers []wallet.Transfer) [sha256.Size]byte {
	c := chainWriter{hash: sha256.New()}
	c.bytes(previous[:])
	for i := range transfers {
		c.transfer(&transfers[i])
	}
	return [sha256.Size]byte(c.hash.Sum(nil))
}

type chainWriter struct {
	hash hash.Hash
	buf  [8]byte
}

func (c *chainWriter) transfer(v *wallet.Transfer) {
	c.integer(v.Number)
	c.bytes(v.ID[:])
	c.integer(int64(stampOf(v.At)))
	c.text(string(v.Kind))
	c.text(string(v.Currency))
	c.integer(int64(v.Amount))
	c.bytes(v.DebitAccountID[:])
	c.bytes(v.CreditAccountID[:])
	c.integer(int64(v.DebitAfter))
	c.integer(int64(v.CreditAfter))
	c.text(v.RefType)
	c.text(v.RefID)
	c.integer(int64(v.HoldAmount))
	c.text(v.Reason)
	c.text(string(v.Metadata))
}

func (c *chainWriter) integer(n int64) {
	binary.BigEndian.PutUint64(c.buf[:], uint64(n)) //nolint:gosec // two's complement, as documented
	c.bytes(c.buf[:])
}

func (c *chainWriter) text(s string) {
	c.integer(int64(len(s)))
	c.bytes([]byte(s))
}

func (c *chainWriter) bytes(b []byte) { _, _ = c.hash.Write(b) } // a hash never fails
