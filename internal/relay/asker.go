package relay

import (
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
)

// Asker is who asks for a model, from where and when: what access rules look at.
type Asker struct {
	Principal *identity.Principal
	// From is the caller's address; the zero value is nowhere.
	From netip.Addr
	At   time.Time
}
