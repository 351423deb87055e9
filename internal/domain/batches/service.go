package batches

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Service takes up batches and runs them. All fields are required.
type Service struct {
	Store Store
	Files Files
	Calls Calls
	Queue Queue
	Now   clock.Clock
	// Parallel is how many lines of one batch may be under way at one time.
	Parallel int
	// MaxOpen is how many batches of a user may be under way.
	MaxOpen int64
	// Results is for how long the results of Anthropic's batches are kept.
	Results time.Duration
}

// window is how long the lines of a batch may take; the protocol knows no other.
const window = 24 * time.Hour

// New is a batch that is asked for.
type New struct {
	InputFileID id.ID
	Endpoint    string
	Window      string // 24h
	Metadata    map[string]string
	// Output is how long the files are wanted that are made; 0: as long as files are kept.
	Output  time.Duration
	Address string
}

// Create takes up a batch; its input is looked at later. Codes: invalid_parameter, insufficient_scope, batch_limit.
func (s *Service) Create(ctx context.Context, p *identity.Principal, n *New) (Batch, error) {
	metadata, err := s.check(ctx, p, n)
	if err != nil {
		return Batch{}, err
	}
	now := s.Now()
	b := Batch{
		ID: id.At(now), TenantID: p.TenantID, UserID: p.UserID, APIKeyID: p.KeyID, Endpoint: n.Endpoint, Status: Validating,
		InputFileID: n.InputFileID, Address: n.Address, Window: window, Output: n.Output, Metadata: metadata, CreatedAt: now,
		Expiry: now.Add(window),
	}
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := s.Store.BatchInsert(ctx, t, &b, s.MaxOpen); err != nil {
			return err
		}
		return s.Queue.EnqueueBatch(ctx, t, b.ID)
	})
	return b, err
}

func (s *Service) check(ctx context.Context, p *identity.Principal, n *New) (json.RawMessage, error) {
	const least, most, members, key, text = time.Hour, 30 * 24 * time.Hour, 16, 64, 512
	if n.Endpoint == Messages {
		return nil, ErrEndpoint
	}
	if err := s.Calls.Check(p, n.Endpoint); err != nil {
		return nil, err
	}
	switch f, err := s.Files.Get(ctx, p.Owner(), n.InputFileID); {
	case errors.Is(err, fault.ErrNotFound), err == nil && f.Purpose != files.Batch:
		return nil, ErrInput
	case err != nil:
		return nil, err
	case n.Window != "24h":
		return nil, ErrWindow
	case n.Output != 0 && (n.Output < least || n.Output > most):
		return nil, ErrOutput
	case len(n.Metadata) > members:
		return nil, ErrMetadata
	}
	for k, v := range n.Metadata {
		if len(k) > key || len(v) > text {
			return nil, ErrMetadata
		}
	}
	if n.Metadata == nil {
		return nil, nil
	}
	return json.Marshal(n.Metadata)
}

// Get returns a batch. Code: not_found.
func (s *Service) Get(ctx context.Context, o identity.Owner, p Protocol, batch id.ID) (Batch, error) {
	b, err := s.Store.BatchByID(ctx, o, batch)
	if err == nil && b.Protocol() != p {
		return Batch{}, fault.ErrNotFound
	}
	return b, err
}

// List returns an owner's batches, one more than asked for where there are more.
func (s *Service) List(ctx context.Context, o identity.Owner, q Query) ([]Batch, error) {
	q.Limit++
	return s.Store.BatchList(ctx, o, q)
}

// Cancel asks for the end of a batch. Lines under way may still be served and are charged then. Codes: not_found, batch_ended.
func (s *Service) Cancel(ctx context.Context, o identity.Owner, p Protocol, batch id.ID) (b Batch, err error) {
	if _, err := s.Get(ctx, o, p, batch); err != nil {
		return Batch{}, err
	}
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if b, err = s.Store.BatchLock(ctx, t, batch); err != nil {
			return err
		}
		switch {
		case b.Status.Final():
			return ErrEnded
		case b.Status == Canceling:
			return nil
		}
		b.Status, b.CancelingAt = Canceling, s.Now()
		return s.Store.BatchUpdate(ctx, t, &b)
	})
	return b, err
}
