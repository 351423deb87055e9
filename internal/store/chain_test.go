package store

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func same16(b byte) (v id.ID) {
	for i := range v {
		v[i] = b
	}
	return v
}

// TestChainHash holds the encoding against hashes that another program computed from its description: books that were
// written once must stay provable.
func TestChainHash(t *testing.T) {
	t.Parallel()
	var previous [32]byte
	for i := range previous {
		previous[i] = 1
	}
	one := wallet.Transfer{
		Number: 7, At: time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.UTC), Kind: wallet.TransferCapture,
		Currency: "USD", Amount: 1500, DebitAccountID: same16(0xaa), CreditAccountID: same16(0xbb), DebitAfter: -3,
		CreditAfter: 1 << 40, RefType: "task", RefID: "r-1", HoldAmount: 2000, Reason: "über",
		Metadata: json.RawMessage(`{"z": 1.50}`),
	}
	two := wallet.Transfer{Number: 8}
	for i := range 16 {
		one.ID[i], two.ID[i] = byte(i), byte(16+i)
	}
	for _, c := range []struct {
		previous  [32]byte
		transfers []wallet.Transfer
		want      string
	}{
		{previous, []wallet.Transfer{one, two}, "c9713687bc336272ba9473fd8fcb32780f96287b932e06275b8f29c596425533"},
		{[32]byte{}, nil, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"},
	} {
		got := ChainHash(c.previous, c.transfers)
		if hex.EncodeToString(got[:]) != c.want {
			t.Errorf("hash of %d transfers = %x, want %s", len(c.transfers), got, c.want)
		}
	}
}
