package routing

// KeyStrategy says how a platform's credentials share its requests.
type KeyStrategy string

// The strategies; "" means KeysByWeight.
const (
	// KeysByWeight gives each credential its share by weight. A weight of 0 is a reserve for when no other can be used.
	KeysByWeight KeyStrategy = "weight"
	// KeysAtRandom gives each the same share.
	KeysAtRandom KeyStrategy = "random"
	// KeysInTurn takes one after the other.
	KeysInTurn KeyStrategy = "polling"
	// KeysByConversation keeps a conversation at one credential, as far as callers name it, because upstreams cache per
	// account. When a credential leaves rotation only its own conversations move.
	KeysByConversation KeyStrategy = "sticky"
)

var strategyShape = oneOf(string(KeysByWeight), string(KeysAtRandom), string(KeysInTurn), string(KeysByConversation))
