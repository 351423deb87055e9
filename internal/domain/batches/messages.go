package batches

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// NewMessages is a batch of Anthropic's protocol that is asked for.
type NewMessages struct {
	// Lines are the requests, one per line, of which there are Total: objects with a custom_id, which no two share, and params.
	Lines []byte
	Total int64
	// Header is what of the caller's headers belongs to each call.
	Header  map[string]string
	Address string
}

// CreateMessages takes up a batch of Anthropic's protocol. Codes: insufficient_scope, batch_limit, file_too_large,
// storage_quota_exceeded, storage_unavailable.
func (s *Service) CreateMessages(ctx context.Context, p *identity.Principal, n *NewMessages) (Batch, error) {
	if err := s.Calls.Check(p, Messages); err != nil {
		return Batch{}, err
	}
	now := s.Now()
	b := Batch{
		ID: id.At(now), TenantID: p.TenantID, UserID: p.UserID, APIKeyID: p.KeyID, Endpoint: Messages, Status: Validating,
		Address: n.Address, Header: n.Header, Window: window, Output: s.Results, CreatedAt: now, Expiry: now.Add(window),
		Counts: Counts{Total: n.Total},
	}
	input := files.New{
		Name: "msgbatch_" + b.ID.Compact() + ".jsonl", Purpose: files.MessageBatch, Content: n.Lines, ExpiresAfter: 2 * window,
	}
	_, err := s.Files.Write(ctx, b.Owner(), &input, func(t tx.Tx, f *files.File) error {
		b.InputFileID = f.ID
		if err := s.Store.BatchInsert(ctx, t, &b, s.MaxOpen); err != nil {
			return err
		}
		return s.Queue.EnqueueBatch(ctx, t, b.ID)
	})
	return b, err
}

// Archived is when the results of a batch that has ended are not kept any more; zero while it has not.
func (b *Batch) Archived() time.Time {
	if b.EndedAt.IsZero() {
		return time.Time{}
	}
	return b.EndedAt.Add(b.Output)
}

// OpenResults opens what became of the lines of a batch of Anthropic's protocol. Codes: not_found, batch_results_missing,
// storage_unavailable.
func (s *Service) OpenResults(ctx context.Context, o identity.Owner, batch id.ID) (io.ReadSeekCloser, error) {
	b, err := s.Get(ctx, o, Anthropic, batch)
	if err != nil {
		return nil, err
	}
	_, results, err := s.Files.OpenAny(ctx, o, b.OutputFileID)
	if errors.Is(err, fault.ErrNotFound) || !b.Status.Final() {
		return nil, ErrResults
	}
	return results, err
}

// Delete forgets a batch of Anthropic's protocol that has ended, with its results. Codes: not_found, batch_in_progress.
func (s *Service) Delete(ctx context.Context, o identity.Owner, batch id.ID) error {
	if _, err := s.Get(ctx, o, Anthropic, batch); err != nil {
		return err
	}
	var b Batch
	err := s.Store.InTx(ctx, func(t tx.Tx) (err error) {
		if b, err = s.Store.BatchLock(ctx, t, batch); err != nil {
			return err
		}
		if !b.Status.Final() {
			return ErrUnended
		}
		return s.Store.BatchDelete(ctx, t, batch)
	})
	if err != nil || b.OutputFileID.IsZero() {
		return err
	}
	if err := s.Files.DeleteAny(ctx, o, b.OutputFileID); err != nil && !errors.Is(err, fault.ErrNotFound) {
		return err
	}
	return nil
}

// result is a line of what a batch of Anthropic's protocol makes.
type result struct {
	CustomID string     `json:"custom_id"`
	Result   resultKind `json:"result"`
}

type resultKind struct {
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// resultLine writes how a line has ended, as one line of Anthropic's protocol.
func (s *Service) resultLine(b *Batch, l *Line, o *Outcome) []byte {
	var r resultKind
	switch l.State {
	case Withdrawn, Late:
		r.Type = string(l.State)
	case Answered:
		r.Type, r.Message = "succeeded", o.Body
	default:
		r.Type, r.Error = "errored", o.Body
		if o.Status == 0 {
			r.Error = s.Calls.Refusal(b, fault.New(500, o.Code, o.Message))
		}
	}
	text, err := json.Marshal(result{l.CustomID, r})
	if err != nil { // a body that is no JSON
		l.State = Refused
		why := s.Calls.Refusal(b, fault.New(500, "invalid_answer", "The answer is not valid JSON."))
		text, _ = json.Marshal(result{l.CustomID, resultKind{Type: "errored", Error: why}}) //nolint:errchkjson // texts
	}
	return append(text, '\n')
}
