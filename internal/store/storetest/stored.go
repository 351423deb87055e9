package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// testFiles keeps to owners, ends and quotas.
func testFiles(_ *testing.T, w *world) {
	s, own := w.Files(), identity.Owner{TenantID: w.user.TenantID, UserID: w.user.ID}
	quota := files.Quota{Files: 3, Bytes: 1000}
	file := func(n int, size int64) files.File {
		return files.File{
			ID: id.At(epoch.Add(time.Duration(n) * time.Second)), TenantID: own.TenantID, UserID: own.UserID, BlobID: id.New(), Name: "a\nb",
			Purpose: files.Batch, MediaType: "text/plain", Size: size, CreatedAt: epoch, ExpiresAt: epoch.Add(time.Duration(n) * time.Hour),
		}
	}
	put := func(f files.File) error {
		return s.InTx(w.ctx, func(t tx.Tx) error { return s.FileInsert(w.ctx, t, &f, quota) })
	}
	one, two := file(1, 400), file(2, 600)
	w.ok(put(one))
	w.refused(put(file(3, 601)), files.ErrQuota, "")
	w.ok(put(two))
	w.refused(put(file(3, 1)), files.ErrQuota, "")
	found(w, "FileByID", one)(s.FileByID(w.ctx, own, one.ID, epoch))
	found(w, "FileList", []files.File{two, one})(s.FileList(w.ctx, own, files.Query{Limit: 9}, epoch))
	found(w, "the oldest", []files.File{one})(s.FileList(w.ctx, own, files.Query{Limit: 1, Oldest: true, Purpose: files.Batch}, epoch))
	found(w, "behind one", []files.File{one})(s.FileList(w.ctx, own, files.Query{Limit: 9, After: two.ID}, epoch))
	found(w, "of another purpose", []files.File{})(s.FileList(w.ctx, own, files.Query{Limit: 9, Purpose: "vision"}, epoch))
	missing[files.File](w, "one that has ended")(s.FileByID(w.ctx, own, one.ID, one.ExpiresAt))
	for _, o := range []identity.Owner{{TenantID: own.TenantID, UserID: id.New()}, {TenantID: id.New(), UserID: own.UserID}, {}} {
		missing[files.File](w, "somebody else's")(s.FileByID(w.ctx, o, one.ID, epoch))
		missing[files.File](w, "somebody else's to delete")(s.FileDelete(w.ctx, o, one.ID, epoch))
	}
	found(w, "FileDelete", one)(s.FileDelete(w.ctx, own, one.ID, epoch))
	missing[files.File](w, "what was deleted")(s.FileDelete(w.ctx, own, one.ID, epoch))
	hidden := file(4, 1)
	hidden.Purpose, hidden.ExpiresAt = files.MessageBatch, two.ExpiresAt.Add(time.Hour)
	w.ok(put(hidden))
	found(w, "an internal one by its id", hidden)(s.FileByID(w.ctx, own, hidden.ID, epoch))
	found(w, "no internal ones", []files.File{two})(s.FileList(w.ctx, own, files.Query{Limit: 9}, epoch))
	found(w, "FilesForget", 1)(s.FilesForget(w.ctx, two.ExpiresAt, 9))
}

// testBatches counts every line once, whoever ends it.
func testBatches(_ *testing.T, w *world) {
	s, own := w.Batches(), identity.Owner{TenantID: w.user.TenantID, UserID: w.user.ID}
	b := batches.Batch{
		ID: id.At(epoch), TenantID: own.TenantID, UserID: own.UserID, APIKeyID: id.New(), Endpoint: "/v1/chat/completions", Status: batches.Validating,
		InputFileID: id.New(), Address: "192.0.2.1", Window: 24 * time.Hour, Output: time.Hour, Metadata: []byte(`{"a":"b"}`), CreatedAt: epoch,
		Expiry: epoch.Add(24 * time.Hour),
	}
	put := func(b batches.Batch) error {
		return s.InTx(w.ctx, func(t tx.Tx) error { return s.BatchInsert(w.ctx, t, &b, 1) })
	}
	w.ok(put(b))
	other := b
	other.ID = id.At(epoch.Add(time.Second))
	w.refused(put(other), batches.ErrTooMany, "")
	found(w, "BatchByID", b)(s.BatchByID(w.ctx, own, b.ID))
	found(w, "anybody's", b)(s.BatchByID(w.ctx, identity.Owner{}, b.ID))
	missing[batches.Batch](w, "somebody else's")(s.BatchByID(w.ctx, identity.Owner{TenantID: own.TenantID, UserID: id.New()}, b.ID))
	found(w, "BatchList", []batches.Batch{b})(s.BatchList(w.ctx, own, batches.Query{Protocol: batches.OpenAI, Limit: 9}))
	lines := []batches.Line{
		{BatchID: b.ID, No: 1, CustomID: "a", Size: 3, State: batches.Pending}, {BatchID: b.ID, No: 3, CustomID: "b", Start: 3, Size: 4, State: batches.Pending},
	}
	b.Status, b.InProgressAt, b.Counts.Total = batches.InProgress, epoch.Add(time.Minute), 2
	w.must(func(t tx.Tx) error {
		if err := s.LinesInsert(w.ctx, t, lines); err != nil {
			return err
		}
		return s.BatchUpdate(w.ctx, t, &b)
	})
	pending := []batches.State{batches.Pending}
	found(w, "LineList", lines)(s.LineList(w.ctx, b.ID, pending, 0, 9))
	lines[0].TaskID = id.New()
	w.ok(s.LineSent(w.ctx, &lines[0]))
	again := lines[0]
	again.TaskID = id.New()
	w.ok(s.LineSent(w.ctx, &again)) // changes nothing
	lines[0].State, lines[0].Answer = batches.Answered, []byte("{}\n")
	for range 2 {
		w.ok(s.LineEnd(w.ctx, &lines[0], &batches.Outcome{InputTokens: 5, OutputTokens: 7}))
	}
	lines[1].State, lines[1].Answer = batches.Refused, []byte("no\n")
	w.ok(s.LineEnd(w.ctx, &lines[1], &batches.Outcome{}))
	found(w, "what has ended", lines)(s.LineList(w.ctx, b.ID, []batches.State{batches.Answered, batches.Refused}, 0, 9))
	b.Counts, b.InputTokens, b.OutputTokens = batches.Counts{Total: 2, Completed: 1, Failed: 1}, 5, 7
	found(w, "counted", b)(s.BatchByID(w.ctx, own, b.ID))
	b.Status, b.EndedAt, b.OutputFileID = batches.Completed, epoch.Add(time.Hour), id.New()
	w.must(func(t tx.Tx) error {
		if err := s.LinesDelete(w.ctx, t, b.ID); err != nil {
			return err
		}
		return s.BatchUpdate(w.ctx, t, &b)
	})
	found(w, "no line is left", []batches.Line{})(s.LineList(w.ctx, b.ID, []batches.State{batches.Answered}, 0, 9))
	w.must(func(t tx.Tx) error {
		found(w, "BatchLock", b)(s.BatchLock(w.ctx, t, b.ID))
		missing[batches.Batch](w, "no batch to lock")(s.BatchLock(w.ctx, t, id.New()))
		return nil
	})
	other.Endpoint, other.Header = batches.Messages, map[string]string{"Anthropic-Beta": "a,b"}
	w.ok(put(other)) // there is room again
	testMessageBatch(w, &other)
	w.refused(w.in(func(t tx.Tx) error { return s.BatchUpdate(w.ctx, t, &batches.Batch{ID: id.New()}) }), fault.ErrNotFound, "")
}

// testMessageBatch counts lines that were not made apart, and lists batches by their protocol alone.
func testMessageBatch(w *world, b *batches.Batch) {
	s, own := w.Batches(), b.Owner()
	q := batches.Query{Protocol: batches.Anthropic, Limit: 9}
	found(w, "of Anthropic", []batches.Batch{*b})(s.BatchList(w.ctx, own, q))
	q.After, q.Oldest = b.ID, true
	found(w, "newer ones", []batches.Batch{})(s.BatchList(w.ctx, own, q))
	lines := []batches.Line{
		{BatchID: b.ID, No: 1, CustomID: "a", State: batches.Pending}, {BatchID: b.ID, No: 2, CustomID: "b", State: batches.Pending},
	}
	w.must(func(t tx.Tx) error { return s.LinesInsert(w.ctx, t, lines) })
	for i, state := range []batches.State{batches.Withdrawn, batches.Late} {
		lines[i].State = state
		w.ok(s.LineEnd(w.ctx, &lines[i], &batches.Outcome{}))
	}
	b.Counts = batches.Counts{Canceled: 1, Expired: 1}
	found(w, "counted apart", *b)(s.BatchByID(w.ctx, own, b.ID))
	w.must(func(t tx.Tx) error { return s.BatchDelete(w.ctx, t, b.ID) })
	missing[batches.Batch](w, "what was deleted")(s.BatchByID(w.ctx, own, b.ID))
	w.refused(w.in(func(t tx.Tx) error { return s.BatchDelete(w.ctx, t, b.ID) }), fault.ErrNotFound, "")
}
