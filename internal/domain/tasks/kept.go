package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Kept is an answer that its caller may ask for again and continue: what went in, and what came out. Its id is that of the
// task. Source: decision 0031.
type Kept struct {
	ID       id.ID
	TenantID id.ID
	UserID   id.ID
	// Kind is the operation. A name of one kind stands for nothing of another.
	Kind inference.Kind
	// PreviousID is what it continues; zero: nothing.
	PreviousID id.ID
	// PlatformID and CredentialID are the upstream account that answered; who continues goes there.
	PlatformID   id.ID
	CredentialID id.ID
	// Background says that nobody waited for it.
	Background bool
	Model      string
	// Input is what the request brought, as it was written. Answer is empty until there is one.
	Input     []byte
	Answer    []byte
	CreatedAt time.Time
	ExpiresAt time.Time
}

// KeptStore keeps answers. What is past its ExpiresAt is not found.
type KeptStore interface {
	// KeptByID returns an answer. Error: fault.ErrNotFound.
	KeptByID(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID, now time.Time) (Kept, error)
	// KeptChain returns an answer and those that it continues, the oldest first, as far as they are there.
	// Error: fault.ErrNotFound, when there is none at all.
	KeptChain(ctx context.Context, o identity.Owner, k inference.Kind, last id.ID, now time.Time) ([]Kept, error)
	// KeptDelete forgets an answer. Error: fault.ErrNotFound.
	KeptDelete(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID, now time.Time) error
	// KeptList returns at most limit answers by age, those behind one where after is not zero.
	KeptList(ctx context.Context, o identity.Owner, k inference.Kind, after id.ID, oldest bool, limit int, now time.Time) ([]Kept, error)
	// KeptForget deletes at most limit answers that expired before a moment, and tells how many.
	KeptForget(ctx context.Context, before time.Time, limit int) (int, error)
}

// Faults of kept answers.
var (
	// ErrForgotten says that part of a conversation was deleted.
	ErrForgotten = fault.New(404, "previous_response_not_found",
		"Part of the conversation that the previous response belongs to was deleted or has expired.").At("previous_response_id")
	// ErrUnanswered says that what is to be continued has no answer.
	ErrUnanswered = fault.New(400, "invalid_value", "The previous response is not completed.").At("previous_response_id")
)

const (
	// arriving is how young an answer may be that another node has not written yet; lookAgain the pause between two looks.
	arriving  = 5 * time.Second
	lookAgain = 50 * time.Millisecond
	looks     = 20
	// forgetBatch is how many answers are deleted at once.
	forgetBatch = 200
)

// Shelf is where answers are kept. All fields are required.
type Shelf struct {
	Store KeptStore
	// Flush waits until the answers that this node has given are in the store.
	Flush func(context.Context) error
	Now   clock.Clock
	// Retention is how long answers of a kind are kept; those of other kinds are not.
	Retention map[inference.Kind]time.Duration
}

// Expiry is until when an answer of now is kept; false: those of its kind are not.
func (s *Shelf) Expiry(k inference.Kind, now time.Time) (time.Time, bool) {
	keep := s.Retention[k]
	return now.Add(keep), keep > 0
}

// List returns an owner's answers of a kind, one more than asked for where there are more.
func (s *Shelf) List(ctx context.Context, o identity.Owner, k inference.Kind, after id.ID, oldest bool, limit int) ([]Kept, error) {
	return s.Store.KeptList(ctx, o, k, after, oldest, limit+1, s.Now())
}

// Get returns an answer. Code: not_found.
func (s *Shelf) Get(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID) (Kept, error) {
	return settled(ctx, s, answer, func() (Kept, error) { return s.Store.KeptByID(ctx, o, k, answer, s.Now()) })
}

// Inputs returns an answer and what it continues, the oldest first. What is gone of that is left out. Code: not_found.
func (s *Shelf) Inputs(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID) ([]Kept, error) {
	return settled(ctx, s, answer, func() ([]Kept, error) { return s.Store.KeptChain(ctx, o, k, answer, s.Now()) })
}

// Conversation returns what a call continues, the oldest first. Codes: not_found, ErrForgotten, ErrUnanswered.
func (s *Shelf) Conversation(ctx context.Context, o identity.Owner, k inference.Kind, last id.ID) ([]Kept, error) {
	chain, err := s.Inputs(ctx, o, k, last)
	if err != nil {
		return nil, err
	}
	if !chain[0].PreviousID.IsZero() {
		return nil, ErrForgotten
	}
	for i := range chain {
		if len(chain[i].Answer) == 0 {
			return nil, ErrUnanswered
		}
	}
	return chain, nil
}

// Delete forgets an answer. Code: not_found.
func (s *Shelf) Delete(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID) error {
	_, err := settled(ctx, s, answer, func() (struct{}, error) {
		return struct{}{}, s.Store.KeptDelete(ctx, o, k, answer, s.Now())
	})
	return err
}

// Tidy forgets the answers whose time is over, and tells how many.
func (s *Shelf) Tidy(ctx context.Context) (forgotten int, err error) {
	for {
		n, err := s.Store.KeptForget(ctx, s.Now(), forgetBatch)
		forgotten += n
		if err != nil || n < forgetBatch {
			return forgotten, err
		}
	}
}

// settled looks for an answer that may be so young that it is on its way to the store: answers are delivered before that.
func settled[V any](ctx context.Context, s *Shelf, answer id.ID, look func() (V, error)) (V, error) {
	v, err := look()
	for try := 0; errors.Is(err, fault.ErrNotFound) && s.young(answer) && try < looks; try++ {
		if try == 0 {
			err = s.Flush(ctx)
		} else {
			err = pause(ctx, lookAgain)
		}
		if err != nil {
			return v, err
		}
		v, err = look()
	}
	return v, err
}

// young reports whether an id is from just now. Ids are made by us, so one that says otherwise stands for nothing.
func (s *Shelf) young(answer id.ID) bool {
	age := s.Now().Sub(answer.Time())
	return age > -arriving && age < arriving
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
