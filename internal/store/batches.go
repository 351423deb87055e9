package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Batches implements batches.Store.
type Batches struct{ *database }

var _ batches.Store = (*Batches)(nil)

// Batches is the storage of batches.
func (s *Store) Batches() *Batches { return &Batches{s.db} }

type callBatchRow struct {
	bun.BaseModel `bun:"table:batch"`

	ID            id.ID
	TenantID      id.ID
	UserID        id.ID
	APIKeyID      id.ID `bun:"api_key_id"`
	Endpoint      string
	Status        batches.Status
	InputFileID   id.ID
	OutputFileID  id.ID
	ErrorFileID   id.ID
	Address       string
	Header        document
	WindowSeconds int64
	OutputSeconds int64
	Metadata      document
	Errors        document
	Total         int64
	Completed     int64
	Failed        int64
	Canceled      int64
	Expired       int64
	InputTokens   int64
	OutputTokens  int64
	CreatedAt     stamp
	InProgressAt  stamp
	FinalizingAt  stamp
	EndedAt       stamp
	CancelingAt   stamp
	ExpiresAt     stamp
}

func (r callBatchRow) value() batches.Batch {
	return batches.Batch{
		ID: r.ID, TenantID: r.TenantID, UserID: r.UserID, APIKeyID: r.APIKeyID, Endpoint: r.Endpoint, Status: r.Status,
		InputFileID: r.InputFileID, OutputFileID: r.OutputFileID, ErrorFileID: r.ErrorFileID, Address: r.Address,
		Window: time.Duration(r.WindowSeconds) * time.Second, Output: time.Duration(r.OutputSeconds) * time.Second,
		Metadata: json.RawMessage(r.Metadata), Errors: json.RawMessage(r.Errors),
		Header:      headerOf(r.Header),
		Counts:      batches.Counts{Total: r.Total, Completed: r.Completed, Failed: r.Failed, Canceled: r.Canceled, Expired: r.Expired},
		InputTokens: r.InputTokens, OutputTokens: r.OutputTokens, CreatedAt: r.CreatedAt.time(), InProgressAt: r.InProgressAt.time(),
		FinalizingAt: r.FinalizingAt.time(), EndedAt: r.EndedAt.time(), CancelingAt: r.CancelingAt.time(), Expiry: r.ExpiresAt.time(),
	}
}

// headerOf reads the headers that headerDocument wrote.
func headerOf(d document) (out map[string]string) {
	if len(d) > 0 {
		_ = json.Unmarshal(d, &out) // we wrote it
	}
	return out
}

func headerDocument(header map[string]string) document {
	if len(header) == 0 {
		return nil
	}
	b, _ := json.Marshal(header) //nolint:errchkjson // texts
	return document(clean(string(b)))
}

func batchOf(b *batches.Batch) *callBatchRow {
	return &callBatchRow{
		ID: b.ID, TenantID: b.TenantID, UserID: b.UserID, APIKeyID: b.APIKeyID, Endpoint: clean(b.Endpoint), Status: b.Status,
		InputFileID: b.InputFileID, OutputFileID: b.OutputFileID, ErrorFileID: b.ErrorFileID, Address: b.Address,
		WindowSeconds: int64(b.Window / time.Second), OutputSeconds: int64(b.Output / time.Second),
		Metadata: document(b.Metadata), Errors: document(b.Errors), Total: b.Counts.Total, Completed: b.Counts.Completed,
		Failed: b.Counts.Failed, Canceled: b.Counts.Canceled, Expired: b.Counts.Expired, Header: headerDocument(b.Header), InputTokens: b.InputTokens, OutputTokens: b.OutputTokens, CreatedAt: stampOf(b.CreatedAt),
		InProgressAt: stampOf(b.InProgressAt), FinalizingAt: stampOf(b.FinalizingAt), EndedAt: stampOf(b.EndedAt),
		CancelingAt: stampOf(b.CancelingAt), ExpiresAt: stampOf(b.Expiry),
	}
}

// BatchInsert implements batches.Store.
func (s *Batches) BatchInsert(ctx context.Context, t tx.Tx, b *batches.Batch, most int64) error {
	if err := s.queue(ctx, in(t), b.UserID); err != nil {
		return err
	}
	open, err := in(t).NewSelect().Table("batch").Where("user_id = ? AND ended_at IS NULL", b.UserID).Count(ctx)
	if err != nil {
		return failure(err)
	}
	if open >= most {
		return batches.ErrTooMany
	}
	return insert(ctx, in(t), batchOf(b))
}

// BatchByID implements batches.Store.
func (s *Batches) BatchByID(ctx context.Context, o identity.Owner, batch id.ID) (batches.Batch, error) {
	if o == (identity.Owner{}) {
		return one[batches.Batch, callBatchRow](ctx, s.reader, "id = ?", batch)
	}
	return one[batches.Batch, callBatchRow](ctx, s.reader, "id = ? AND tenant_id = ? AND user_id = ?", batch, o.TenantID, o.UserID)
}

// BatchList implements batches.Store.
func (s *Batches) BatchList(ctx context.Context, o identity.Owner, q batches.Query) ([]batches.Batch, error) {
	return all[batches.Batch, callBatchRow](ctx, s.reader, func(query *bun.SelectQuery) *bun.SelectQuery {
		query.Where("user_id = ? AND tenant_id = ?", o.UserID, o.TenantID).Limit(int64(q.Limit))
		if q.Protocol == batches.Anthropic {
			query.Where("endpoint = ?", batches.Messages)
		} else {
			query.Where("endpoint <> ?", batches.Messages)
		}
		return behind(query, q.After, q.Oldest)
	})
}

// BatchDelete implements batches.Store.
func (s *Batches) BatchDelete(ctx context.Context, t tx.Tx, batch id.ID) error {
	if err := s.LinesDelete(ctx, t, batch); err != nil {
		return err
	}
	return touched(in(t).NewDelete().Table("batch").Where("id = ?", batch).Exec(ctx))
}

// BatchLock implements batches.Store.
func (s *Batches) BatchLock(ctx context.Context, t tx.Tx, batch id.ID) (batches.Batch, error) {
	return lockedOne[batches.Batch, callBatchRow](ctx, s.database, t, "id = ?", batch)
}

// BatchUpdate implements batches.Store. Counts of lines that have ended are LineEnd's.
func (s *Batches) BatchUpdate(ctx context.Context, t tx.Tx, b *batches.Batch) error {
	return touched(in(t).NewUpdate().Model(batchOf(b)).
		Column("status", "output_file_id", "error_file_id", "errors", "total", "in_progress_at", "finalizing_at", "ended_at", "canceling_at").
		Where("id = ?", b.ID).Exec(ctx))
}

type lineRow struct {
	bun.BaseModel `bun:"table:batch_line"`

	BatchID  id.ID
	Line     int64
	CustomID string
	Start    int64
	Size     int64
	TaskID   id.ID
	State    batches.State
	Answer   []byte
}

func (r lineRow) value() batches.Line {
	return batches.Line{
		BatchID: r.BatchID, No: r.Line, CustomID: r.CustomID, Start: r.Start, Size: r.Size, TaskID: r.TaskID, State: r.State, Answer: r.Answer,
	}
}

// linesAtOnce is how many lines one statement writes.
const linesAtOnce = 500

// LinesInsert implements batches.Store.
func (s *Batches) LinesInsert(ctx context.Context, t tx.Tx, lines []batches.Line) error {
	rows := make([]lineRow, len(lines))
	for i := range lines {
		l := &lines[i]
		rows[i] = lineRow{BatchID: l.BatchID, Line: l.No, CustomID: clean(l.CustomID), Start: l.Start, Size: l.Size, State: l.State}
	}
	for len(rows) > 0 {
		n := min(linesAtOnce, len(rows))
		some := rows[:n]
		if err := insert(ctx, in(t), &some); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// LineList implements batches.Store.
func (s *Batches) LineList(ctx context.Context, batch id.ID, states []batches.State, after int64, limit int) ([]batches.Line, error) {
	return all[batches.Line, lineRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("batch_id = ? AND state IN (?) AND line > ?", batch, bun.List(states), after).Order("line").Limit(int64(limit))
	})
}

// LineSent implements batches.Store.
func (s *Batches) LineSent(ctx context.Context, l *batches.Line) error {
	return s.InTx(ctx, func(t tx.Tx) error {
		_, err := in(t).NewUpdate().Table("batch_line").Set("task_id = ?", l.TaskID).Set("state = ?", batches.Sent).
			Where("batch_id = ? AND line = ? AND state = ?", l.BatchID, l.No, batches.Pending).Exec(ctx)
		return failure(err)
	})
}

// counters are the columns that count lines by how they ended.
var counters = map[batches.State]string{
	batches.Answered: "completed", batches.Refused: "failed", batches.Withdrawn: "canceled", batches.Late: "expired",
}

// LineEnd implements batches.Store. The batch is locked first, as it is where it ends.
func (s *Batches) LineEnd(ctx context.Context, l *batches.Line, o *batches.Outcome) error {
	return s.inTx(ctx, func(t *transaction) error {
		if _, err := s.BatchLock(ctx, t, l.BatchID); err != nil {
			return err
		}
		result, err := t.NewUpdate().Table("batch_line").Set("state = ?", l.State).Set("answer = ?", l.Answer).
			Where("batch_id = ? AND line = ? AND state IN (?)", l.BatchID, l.No, bun.List([]batches.State{batches.Pending, batches.Sent})).
			Exec(ctx)
		if err != nil {
			return failure(err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		counted := counters[l.State]
		return touched(t.NewUpdate().Table("batch").Set("? = ? + 1", bun.Ident(counted), bun.Ident(counted)).
			Set("input_tokens = input_tokens + ?", o.InputTokens).Set("output_tokens = output_tokens + ?", o.OutputTokens).
			Where("id = ?", l.BatchID).Exec(ctx))
	})
}

// LinesDelete implements batches.Store.
func (s *Batches) LinesDelete(ctx context.Context, t tx.Tx, batch id.ID) error {
	_, err := in(t).NewDelete().Table("batch_line").Where("batch_id = ?", batch).Exec(ctx)
	return failure(err)
}
