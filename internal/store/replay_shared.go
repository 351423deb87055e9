package store

import (
	"context"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/lease"
)

// SharedReplays implements tasks.ReplayStore for one of many nodes, on PostgreSQL: a claim is a row that names the node.
type SharedReplays struct {
	Replays

	leases  *Leases
	session lease.Session
}

var _ tasks.ReplayStore = (*SharedReplays)(nil)

// SharedReplays is the storage of answers to calls with idempotency keys, as one life of a node sees it.
func (s *Store) SharedReplays(session lease.Session) *SharedReplays {
	return &SharedReplays{Replays: Replays{s.db}, leases: s.Leases(lease.Terms{}), session: session}
}

const (
	// claimTries bounds how often a claim that changes under one's hands is looked at again.
	claimTries = 5
	// seenAlive is how long after a node was seen last it may still settle what it runs: its leases' time to live and the
	// grace behind that.
	seenAlive = 15 * time.Second
)

// ReplayClaim implements tasks.ReplayStore. The claim of a node that is gone is taken over, once what that node has settled
// is in the ledger; so is one that an earlier call of this node has left.
func (s *SharedReplays) ReplayClaim(ctx context.Context, claim *tasks.Replay) (tasks.Replay, tasks.ClaimState, error) {
	for range claimTries {
		claimed, err := s.insert(ctx, claim)
		if err != nil || claimed {
			return tasks.Replay{}, tasks.Claimed, err
		}
		var row replayRow
		err = failure(s.reader.NewSelect().Model(&row).Where("claim = ?", claim.Claim[:]).Scan(ctx))
		if errors.Is(err, fault.ErrNotFound) {
			continue
		}
		if err != nil || row.Done {
			return row.value(), tasks.Answered, err
		}
		if running, err := s.runs(ctx, &row); err != nil || running {
			return row.value(), tasks.Elsewhere, err
		}
		if claimed, err = s.takeOver(ctx, claim, &row); err != nil || claimed {
			return tasks.Replay{}, tasks.Claimed, err
		}
	}
	return tasks.Replay{}, tasks.Claimed, fault.ErrUnavail.Because(errClaim)
}

var errClaim = errors.New("store: a claim changes all the time")

func (s *SharedReplays) insert(ctx context.Context, c *tasks.Replay) (bool, error) {
	result, err := s.writer.ExecContext(ctx, `INSERT INTO replay
		(claim, fingerprint, task_id, user_id, node, epoch, done, status, content_type, lost, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, FALSE, 0, '', FALSE, ?, ?)
		ON CONFLICT (claim) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, task_id = EXCLUDED.task_id,
			user_id = EXCLUDED.user_id, node = EXCLUDED.node, epoch = EXCLUDED.epoch, done = FALSE, status = 0,
			content_type = '', body = NULL, lost = FALSE, created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
		WHERE replay.expires_at <= EXCLUDED.created_at`,
		c.Claim[:], c.Fingerprint[:], c.TaskID, c.UserID, s.session.Node, s.session.Epoch, stampOf(c.CreatedAt), stampOf(c.ExpiresAt))
	if err != nil {
		return false, failure(err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// runs reports whether the claim's node can still finish the call. This node's memory knows what it runs, so what it finds
// here it does not run.
func (s *SharedReplays) runs(ctx context.Context, r *replayRow) (running bool, err error) {
	if r.Node == s.session.Node && r.Epoch == s.session.Epoch {
		return false, nil
	}
	err = s.reader.NewRaw(`SELECT
		EXISTS (SELECT 1 FROM node WHERE name = ? AND epoch = ? AND seen_at > now_micros() - ?) OR
		EXISTS (SELECT 1 FROM lease WHERE node = ? AND epoch = ? AND state = 'active')`,
		r.Node, r.Epoch, seenAlive.Microseconds(), r.Node, r.Epoch).Scan(ctx, &running)
	return running, failure(err)
}

// takeOver makes the claim of a call that nobody runs any more this node's. What was settled for it is folded before, which
// may bring its answer.
func (s *SharedReplays) takeOver(ctx context.Context, c *tasks.Replay, r *replayRow) (bool, error) {
	if _, err := s.leases.Fold(ctx); err != nil {
		return false, err
	}
	result, err := s.writer.ExecContext(ctx, `UPDATE replay SET fingerprint = ?, task_id = ?, node = ?, epoch = ?,
		created_at = ?, expires_at = ? WHERE claim = ? AND task_id = ? AND NOT done`,
		c.Fingerprint[:], c.TaskID, s.session.Node, s.session.Epoch, stampOf(c.CreatedAt), stampOf(c.ExpiresAt), c.Claim[:], r.TaskID)
	if err != nil {
		return false, failure(err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// ReplayRelease implements tasks.ReplayStore.
func (s *SharedReplays) ReplayRelease(ctx context.Context, claim tasks.Digest, task id.ID) error {
	_, err := s.writer.ExecContext(ctx, "DELETE FROM replay WHERE claim = ? AND task_id = ? AND NOT done", claim[:], task)
	return failure(err)
}
