package store

import (
	"context"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// endColumns are those of a task that its end decides.
var endColumns = []string{
	"is_stream", "status", "resolved_model", "platform_id", "platform_model_id", "provider", "is_simulated", "run_mode",
	"error_code", "error_message", "http_status", "usage", "usage_estimated", "input_tokens", "output_tokens", "currency", "held",
	"charged", "bill_reason", "attempts", "attempt_count", "lines", "route", "preprocessing", "result", "remote_task_id",
	"remote_payload", "ttft_ns", "started_at", "finished_at", "updated_at",
}

var taskEnd = newStatement("UPDATE task SET " + strings.Join(endColumns, " = ?, ") + " = ? WHERE id = ?")

// endValues are in the order of taskEnd. Texts are cleaned as taskValues does.
func endValues(v *tasks.Task) []any {
	return []any{
		v.Stream, clean(string(v.Status)), clip(v.ResolvedModel, maxModelName), arg(v.PlatformID), arg(v.PlatformModelID),
		clean(v.Provider), v.Simulated, clean(v.RunMode), clean(v.ErrorCode), clean(v.ErrorMessage), int64(v.HTTPStatus),
		arg(quantities(v.Usage.Quantities)), v.Usage.Estimated, v.Usage.InputTokens(), v.Usage.OutputTokens(),
		clean(string(v.Currency)), int64(v.Held), int64(v.Charged), clean(v.BillReason), arg(document(v.Attempts)),
		int64(v.AttemptCount), arg(document(v.Lines)), arg(document(v.Route)), arg(document(v.Preprocessing)),
		arg(document(v.Result)), clean(v.RemoteTaskID), arg(document(v.RemotePayload)), int64(v.TTFT), arg(stampOf(v.StartedAt)),
		arg(stampOf(v.FinishedAt)), arg(stampOf(v.UpdatedAt)), arg(v.ID),
	}
}

// WorkEnd implements tasks.WorkStore. What is held falls before the transfers are posted: what a wallet owns never covers it
// twice. Rows are locked in the order of Leases.
func (s *Tasks) WorkEnd(ctx context.Context, t tx.Tx, w *tasks.Work, e *tasks.Settlement) error {
	r := &journal.Record{Task: e.Task, Transfers: e.Transfers}
	records := []*journal.Record{r}
	if _, err := s.execEach(ctx, in(t), taskEnd, [][]any{endValues(&r.Task)}); err != nil {
		return failure(err)
	}
	if e.Kept != nil {
		if err := s.keptComplete(ctx, in(t), e.Kept); err != nil {
			return err
		}
	}
	if _, err := in(t).NewDelete().Table("task_work").Where("task_id = ?", w.TaskID).Exec(ctx); err != nil {
		return failure(err)
	}
	if err := keysUsed(ctx, s.database, in(t), lastUses(records)); err != nil {
		return err
	}
	transfers := transfersOf(records)
	if len(transfers) > 0 && s.engine == postgres {
		if err := s.lockChain(ctx, in(t)); err != nil {
			return failure(err)
		}
	}
	if err := s.workRelease(ctx, in(t), w); err != nil || len(transfers) == 0 {
		return err
	}
	if err := s.post(ctx, in(t), transfers); err != nil {
		return err
	}
	return (&Journal{s.database}).usageAdd(ctx, in(t), records)
}

var accountUnhold = newStatement("UPDATE account SET held = held - CAST(? AS BIGINT) WHERE id = ?")

// workRelease gives back what is held, and tells nodes that wait for money of a wallet near zero.
func (s *Tasks) workRelease(ctx context.Context, t *transaction, w *tasks.Work) error {
	if w.Amount == 0 {
		return nil
	}
	if s.engine == postgres {
		return (&Leases{database: s.database}).release(ctx, t, map[id.ID]money.Amount{w.WalletID: w.Amount})
	}
	_, err := s.execEach(ctx, t, accountUnhold, [][]any{{int64(w.Amount), arg(w.WalletID)}})
	return failure(err)
}

// TaskMove implements tasks.WorkStore.
func (s *Tasks) TaskMove(ctx context.Context, t tx.Tx, v *tasks.Task) error {
	return touched(in(t).NewUpdate().Table("task").Set("status = ?", v.Status).Set("started_at = ?", stampOf(v.StartedAt)).
		Set("remote_task_id = ?", clean(v.RemoteTaskID)).Set("remote_payload = ?", document(v.RemotePayload)).
		Set("job_id = ?", v.JobID).Set("updated_at = ?", stampOf(v.UpdatedAt)).Where("id = ?", v.ID).Exec(ctx))
}

// pledged is what asynchronous tasks hold.
const pledged = "SELECT wallet_id AS account, amount FROM task_work"
