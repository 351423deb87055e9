package tasks

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// ClaimOf names what an idempotency key stands for: one key of one user at one path. Keys are not stored themselves.
func ClaimOf(user id.ID, path, key string) Digest {
	b := make([]byte, 0, len(user)+len(path)+1+len(key))
	b = append(append(append(append(b, user[:]...), path...), 0), key...)
	return sha256.Sum256(b)
}

// FingerprintOf tells requests apart that come with one key.
func FingerprintOf(body []byte) Digest { return sha256.Sum256(body) }

// Replay is a call that was made with an idempotency key and, once it has ended, what it was answered: repeats get that
// again.
type Replay struct {
	Claim       Digest
	Fingerprint Digest
	TaskID      id.ID
	UserID      id.ID
	// Status and ContentType are those of the answer; zero while the call runs.
	Status      int
	ContentType string
	// Body is the whole answer, streams with their event ids. Lost says that it was too large to be kept.
	Body      []byte
	Lost      bool
	CreatedAt time.Time
	// ExpiresAt is when the key is forgotten.
	ExpiresAt time.Time
}

// ClaimState is what a claim found.
type ClaimState uint8

// The states.
const (
	// Claimed: nobody has made the call, or it was charged nothing; whoever claimed it makes it now.
	Claimed ClaimState = iota
	// Elsewhere: another node makes the call at this moment.
	Elsewhere
	// Answered: the call has ended, and its answer is there.
	Answered
)

// ReplayStore keeps the answers of calls with idempotency keys.
type ReplayStore interface {
	// ReplayClaim claims a call for this node, or returns what is there instead: with Answered the whole Replay, with
	// Elsewhere all but the answer. What is past its ExpiresAt does not count.
	ReplayClaim(ctx context.Context, claim *Replay) (Replay, ClaimState, error)
	// ReplayRelease gives a claim up, so that a repeat makes the call again; an answer stays.
	ReplayRelease(ctx context.Context, claim Digest, task id.ID) error
	// ReplaysForget deletes at most limit replays that expired before a moment, and tells how many.
	ReplaysForget(ctx context.Context, before time.Time, limit int) (int, error)
}
