package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/socket"
)

// free checks that nothing is held any more.
func (k *talk) free() {
	k.t.Helper()
	if open, units := k.book.Holds(); open != 0 || units != 0 {
		k.t.Errorf("%d holds of %v are open", open, units)
	}
}

func charge(r *journal.Record) string { return r.Task.Charged.Text(money.USD) }

func TestResponsesArePaidForOneByOne(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{})
	k.begin("r1")
	k.tell(textOf("hello"))
	k.hear("response.output_text.delta")
	k.tell(doneWith("r1", "completed", little))
	k.hear("response.done")
	if got := k.records(); len(got) != 1 || charge(got[0]) != "0.00006" || got[0].Task.Kind != inference.Realtime || got[0].Task.BillReason != "usage" {
		t.Fatalf("%+v", got)
	}
	k.begin("r2")
	k.tell(doneWith("r2", "cancelled", `{"input_tokens":20,"output_tokens":4,"input_token_details":{"audio_tokens":8,"cached_tokens":10},"output_token_details":{"audio_tokens":4}}`))
	k.hear("response.done")
	k.caller.Close(socket.Normal, "")
	<-k.ended
	got := k.records()
	if len(got) != 2 || charge(got[1]) != "0.000119" { // 10 cached, 8 of sound, 2 of text; 4 of sound
		t.Errorf("%d records, %s", len(got), charge(got[len(got)-1]))
	}
	for _, r := range got {
		if r.Task.Status != tasks.Succeeded || r.Task.RequestID != "req-1" || r.Task.AttemptCount != 1 || r.Task.ResolvedModel != "first-model" || r.Task.RequestedModel != "m" {
			t.Errorf("%+v", r.Task)
		}
	}
	if got[0].Task.ID == got[1].Task.ID {
		t.Error("two responses are one task")
	}
	k.free()
}

// TestPiecesOfSoundNeedNotBeWholeTokens has a response come in pieces that are less than a token each: what is out and what is
// on its way must be counted alike, or the response waits for itself.
func TestPiecesOfSoundNeedNotBeWholeTokens(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{})
	k.begin("r1")
	for range 400 {
		k.tell(soundOf("r1", 1001))
		k.hear("response.output_audio.delta")
	}
	k.tell(doneWith("r1", "completed", little))
	k.hear("response.done")
	k.caller.Close(socket.Normal, "")
	<-k.ended
	k.free()
}

func TestNamesAreTheCallersOnOneSideAndTheUpstreamsOnTheOther(t *testing.T) {
	t.Parallel()
	k := prepareTalk(t, "10", relay.Limits{})
	k.open()
	if s := k.hear("session.created").in("session"); s["model"] != "m" {
		t.Errorf("%v", s)
	}
	k.say(`{"type":"session.update","session":{"type":"realtime","model":"m","audio":{"input":{"transcription":{"model":"ears"}}}}}`)
	s := k.told("session.update").in("session")
	if s["model"] != "first-model" || s.in("audio").in("input").in("transcription")["model"] != "first-ears" {
		t.Errorf("%v", s)
	}
	k.tell(`{"type":"session.updated","session":{"model":"first-model","audio":{"input":{"transcription":{"model":"first-ears"}}}}}`)
	s = k.hear("session.updated").in("session")
	if s["model"] != "m" || s.in("audio").in("input").in("transcription")["model"] != "ears" {
		t.Errorf("%v", s)
	}
	for event, code := range map[string]string{
		`{"type":"session.update","event_id":"e1","session":{"model":"other"}}`:                                         "invalid_parameter",
		`{"type":"session.update","event_id":"e1","session":{"type":"transcription"}}`:                                  "invalid_parameter",
		`{"type":"session.update","event_id":"e1","session":{"audio":{"input":{"transcription":{"model":"whisper"}}}}}`: "model_not_found",
		`{"type":"session.update","event_id":"e1","session":7}`:                                                         "invalid_parameter",
	} {
		k.say(event)
		if e := k.hear("error").in("error"); e["code"] != code || code != "invalid_parameter" && e["event_id"] != "e1" {
			t.Errorf("%s: %v", event, e)
		}
	}
	k.say(`nonsense`)
	if e := k.hear("error").in("error"); e["code"] != "invalid_json" {
		t.Errorf("%v", e)
	}
	k.say(`{"type":"what.comes.later","x":1}`)
	k.told("what.comes.later")
}

func TestWhatIsWrittenDownIsPaidForByItsOwnModel(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{})
	k.say(`{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"ears"}}}}}`)
	k.told("session.update")
	k.tell(`{"type":"session.updated","session":{"audio":{"input":{"transcription":{"model":"first-ears"}}}}}`)
	k.hear("session.updated")
	for i, end := range []string{
		`{"type":"conversation.item.input_audio_transcription.completed","item_id":"i0","transcript":"hi","usage":{"type":"duration","seconds":1.5}}`,
		`{"type":"conversation.item.input_audio_transcription.failed","item_id":"i1","error":{}}`,
	} {
		k.say(hearing(96_000))
		k.told("input_audio_buffer.append")
		k.tell(fmt.Sprintf(`{"type":"input_audio_buffer.committed","item_id":"i%d"}`, i))
		k.hear("input_audio_buffer.committed")
		k.tell(end)
		if _, err := k.caller.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	k.caller.Close(socket.Normal, "")
	<-k.ended
	got := k.records()
	if len(got) != 2 || charge(got[0]) != "0.002" || got[0].Task.Kind != inference.Transcriptions || got[0].Task.RequestedModel != "ears" || charge(got[1]) != "0" || got[1].Task.Status != tasks.Failed {
		t.Errorf("%d records: %+v", len(got), got[0].Task)
	}
	k.free()
}

func hearing(bytes int) string {
	return strings.Replace(soundOf("", bytes), `response.output_audio.delta","response_id":"","delta"`, `input_audio_buffer.append","audio"`, 1)
}

// TestTheUpstreamBeginsResponsesByItself, as it does where it detects who is speaking: they are held for all the same.
func TestTheUpstreamBeginsResponsesByItself(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{})
	k.say(hearing(48_000))
	k.told("input_audio_buffer.append")
	k.tell(`{"type":"input_audio_buffer.speech_started","audio_start_ms":500}`)
	k.hear("input_audio_buffer.speech_started")
	k.tell(`{"type":"input_audio_buffer.committed","item_id":"i"}`)
	k.hear("input_audio_buffer.committed")
	k.tell(`{"type":"response.created","response":{"id":"r1"}}`)
	k.hear("response.created")
	if open, _ := k.book.Holds(); open != 1 {
		t.Errorf("%d holds are open", open)
	}
	k.tell(soundOf("r1", 4800))
	k.hear("response.output_audio.delta")
	k.tell(doneWith("r1", "completed", "null"))
	k.hear("response.done")
	k.caller.Close(socket.Normal, "")
	<-k.ended
	got := k.records()
	// Half a second of sound is 5 tokens; a tenth that is spoken is 2. What is around the texts is not known.
	if q := got[0].Task.Usage.Quantities; len(got) != 1 || got[0].Task.BillReason != "estimated" || q[inference.AudioInput] != 5 || q[inference.AudioOutput] != 2 {
		t.Errorf("%+v", got[0].Task)
	}
	k.free()
}

func TestWhoCannotPayHearsSoAndIsHeardNoMore(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "0.09", relay.Limits{}) // a response of 4096 tokens of sound is held with 0.082
	k.begin("r1")
	k.tell(doneWith("r1", "completed", `{"input_tokens":10,"output_tokens":1000,"output_token_details":{"audio_tokens":1000}}`))
	k.hear("response.done")
	if faults, code := k.over(); !slices.Equal(faults, []string{"insufficient_balance"}) || code != socket.Refused {
		t.Errorf("%v, %d", faults, code)
	}
	if _, err := k.upstream.Read(t.Context()); err == nil {
		t.Error("the upstream is still there")
	}
	if got := k.records(); len(got) != 1 || charge(got[0]) != "0.02001" {
		t.Errorf("%d records", len(got))
	}
	k.free()

	poor := prepareTalk(t, "0.01", relay.Limits{})
	poor.open()
	if poor.answer.Code != http.StatusPaymentRequired || poor.upstream != nil {
		t.Errorf("%d %s", poor.answer.Code, poor.answer.Body)
	}
	poor.free()
}

// TestWhatCutsAResponseChargesWhatIsOut: the upstream breaks off, fails, or the caller leaves.
func TestWhatCutsAResponseChargesWhatIsOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cut    func(k *talk)
		reason string
		status tasks.Status
		faults []string
		code   socket.Code
	}{
		"upstream breaks": {func(k *talk) { k.upstream.Close(socket.Internal, "") }, "cut", tasks.Failed, []string{"upstream_error"}, socket.Internal},
		"nonsense":        {func(k *talk) { k.tell(`{"type":`) }, "cut", tasks.Failed, []string{"upstream_bad_response"}, socket.Internal},
		"caller leaves":   {func(k *talk) { k.caller.Close(socket.Away, "") }, "client_gone", tasks.Canceled, nil, socket.Away},
		"response fails": {func(k *talk) {
			k.tell(`{"type":"response.done","response":{"id":"r1","status":"failed","status_details":{"error":{"code":"x"}},"usage":null}}`)
			k.hear("response.done")
			k.caller.Close(socket.Normal, "")
		}, "cut", tasks.Failed, nil, socket.Normal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newTalk(t, "10", relay.Limits{})
			k.begin("r1")
			k.tell(textOf(wordy(20)))
			k.hear("response.output_text.delta")
			c.cut(k)
			if faults, code := k.over(); !slices.Equal(faults, c.faults) || code != c.code {
				t.Errorf("%v, %d", faults, code)
			}
			got := k.records()
			r := got[0]
			if r.Task.BillReason != c.reason || r.Task.Status != c.status || r.Task.Usage.Quantities[inference.TextOutput] != 20 || charge(r) != "0.0002" {
				t.Errorf("%s %s %s %v", r.Task.BillReason, r.Task.Status, charge(r), r.Task.Usage)
			}
			if _, err := k.upstream.Read(t.Context()); err == nil {
				t.Error("the upstream is still there")
			}
			k.free()
		})
	}
}

func TestAResponseThatFailsBeforeItSaysAnythingIsFree(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{})
	k.begin("r1")
	k.tell(doneWith("r1", "failed", "null"))
	k.hear("response.done")
	k.begin("r2")
	k.caller.Close(socket.Normal, "")
	<-k.ended
	got := k.records()
	if len(got) != 2 || charge(got[0]) != "0" || got[0].Task.Status != tasks.Failed || got[0].Task.ErrorCode == "" || charge(got[1]) != "0" {
		t.Errorf("%+v", got[0].Task)
	}
	k.free()
}

// TestACrashChargesWhatWasMarked copies the journal in the middle of a response, as a crash leaves it, and recovers.
func TestACrashChargesWhatWasMarked(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), &sink{}
	k := newTalk(t, "10", relay.Limits{}, func(k *talk, o *relay.Options) {
		j, _, err := journal.Start(t.Context(), journal.Options{Dir: dir, Sink: kept, Log: o.Log}, clock.System)
		if err != nil {
			t.Fatal(err)
		}
		o.Journal = j
		t.Cleanup(func() { <-k.ended; _ = j.Close(context.Background()) })
	})
	k.begin("r1")
	for range 30 {
		k.tell(textOf(wordy(10)))
		k.hear("response.output_text.delta")
	}
	left := t.TempDir()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(left, filepath.Base(name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := &sink{}
	j, report, err := journal.Start(t.Context(), journal.Options{Dir: left, Sink: found, Log: k.log()}, clock.System)
	if err != nil || report.Captured != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	defer j.Close(context.Background())
	r := found.records[0]
	if n := r.Task.Usage.Quantities[inference.TextOutput]; n > 300 || n < 300-64-10 || r.Task.BillReason != "crash" || r.Task.Charged > money.Amount(3_000_000) {
		t.Errorf("%d tokens, %s, %s", n, charge(r), r.Task.BillReason)
	}
	k.caller.Close(socket.Normal, "")
}

// TestLinesOfASessionAreWhatTheUpstreamTold: whatever responses take, every token is in one line, all lines are the usage, and
// what the wallet paid is the sum of the records.
func TestLinesOfASessionAreWhatTheUpstreamTold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		k := newTalk(t, "100", relay.Limits{})
		n := rapid.IntRange(1, 4).Draw(r, "responses")
		var told []int64
		for i := range n {
			draw := func(name string) int64 { return rapid.Int64Range(0, 500).Draw(r, name) }
			text, audio, out, spoken := 1+draw("text"), draw("audio"), draw("out"), draw("spoken")
			cachedText, cachedAudio := rapid.Int64Range(0, text).Draw(r, "cached text"), rapid.Int64Range(0, audio).Draw(r, "cached audio")
			name := fmt.Sprintf("r%d", i)
			k.begin(name)
			k.tell(doneWith(name, "completed", fmt.Sprintf(`{"input_tokens":%d,"output_tokens":%d,"input_token_details":{"text_tokens":%d,"audio_tokens":%d,"cached_tokens":%d,`+
				`"cached_tokens_details":{"text_tokens":%d,"audio_tokens":%d}},"output_token_details":{"text_tokens":%d,"audio_tokens":%d}}`,
				text+audio, out+spoken, text, audio, cachedText+cachedAudio, cachedText, cachedAudio, out, spoken)))
			k.hear("response.done")
			told = append(told, text+audio+out+spoken)
		}
		k.caller.Close(socket.Normal, "")
		<-k.ended
		var spent money.Amount
		for i, rec := range k.records() {
			var lines []struct {
				Quantity json.Number `json:"quantity"`
				Amount   json.Number `json:"amount"`
			}
			if err := json.Unmarshal(rec.Task.Lines, &lines); err != nil {
				r.Fatal(err)
			}
			var tokens int64
			var sum money.Amount
			for _, l := range lines {
				quantity, _ := l.Quantity.Int64()
				amount, err := money.Parse(l.Amount.String(), money.USD)
				if err != nil {
					r.Fatal(err)
				}
				tokens += quantity
				sum += amount
			}
			if tokens != told[i] || sum != rec.Task.Charged || rec.Task.BillReason != "usage" {
				r.Errorf("response %d: %d tokens in lines of %d, %v of %v", i, tokens, told[i], sum, rec.Task.Charged)
			}
			spent += sum
		}
		wallet, err := k.book.Wallet(t.Context(), k.user, money.USD)
		if err != nil {
			r.Fatal(err)
		}
		start, _ := money.Parse("100", money.USD)
		if left, held := wallet.Balance(); left != start-spent || held != 0 {
			r.Errorf("%v is left of %v after %v, %v held", left, start, spent, held)
		}
	})
}

func TestAnotherUpstreamIsTriedUntilOneHasGreeted(t *testing.T) {
	t.Parallel()
	k := prepareTalk(t, "10", relay.Limits{})
	greet := k.first.session
	k.first.session = func(context.Context, *provider.Call) (socket.Line, error) {
		return nil, &provider.Error{Outcome: provider.Outcome{Category: inference.Overloaded}, Status: 503}
	}
	k.second.session = greet
	k.open()
	k.hear("session.created")
	k.begin("r1")
	k.tell(doneWith("r1", "completed", little))
	k.hear("response.done")
	k.caller.Close(socket.Normal, "")
	<-k.ended
	if got := k.records(); len(got) != 1 || !strings.Contains(string(got[0].Task.Attempts), `"no":2,`) || got[0].Task.Provider != "test" || got[0].Task.ResolvedModel != "second-model" {
		t.Errorf("%s", got[0].Task.Attempts)
	}

	bad := prepareTalk(t, "10", relay.Limits{})
	bad.first.session = func(context.Context, *provider.Call) (socket.Line, error) {
		near, far := socket.Pipe()
		go func() {
			_ = far.Write(context.Background(), []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"no such voice"}}`))
		}()
		return near, nil
	}
	bad.second.session = func(context.Context, *provider.Call) (socket.Line, error) { return nil, errors.New("not reached") }
	bad.open()
	if bad.answer.Code < 400 || len(bad.records()) != 1 {
		t.Errorf("%d %s, %d records", bad.answer.Code, bad.answer.Body, len(bad.records()))
	}
	bad.free()
}

func TestASessionIsSetUpBeforeItsCallerHearsOfIt(t *testing.T) {
	t.Parallel()
	k := prepareTalk(t, "10", relay.Limits{})
	k.first.session = func(context.Context, *provider.Call) (socket.Line, error) {
		near, far := socket.Pipe()
		k.upstream = far
		go func() {
			ctx := context.Background()
			_ = far.Write(ctx, []byte(`{"type":"session.created","session":{"model":"first-model"}}`))
			if m, err := far.Read(ctx); err != nil || !strings.Contains(string(m), `"first-ears"`) {
				t.Errorf("%s, %v", m, err)
			}
			_ = far.Write(ctx, []byte(`{"type":"session.updated","session":{"model":"first-model","instructions":"Be kind."}}`))
		}()
		return near, nil
	}
	k.open(func(s *relay.Session) {
		s.SetUp = []byte(`{"type":"realtime","instructions":"Be kind.","audio":{"input":{"transcription":{"model":"ears"}}}}`)
	})
	if s := k.hear("session.created").in("session"); s["model"] != "m" || s["instructions"] != "Be kind." {
		t.Errorf("%v", s)
	}
}

func TestSessionsEndWhenTheServiceDoes(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{})
	k.begin("r1")
	k.relay.DrainSessions()
	k.say(`{"type":"response.create","event_id":"late"}`)
	if e := k.hear("error").in("error"); e["event_id"] != "late" {
		t.Errorf("%v", e)
	}
	k.tell(doneWith("r1", "completed", little))
	k.hear("response.done")
	if _, code := k.over(); code != socket.Away {
		t.Errorf("closed with %d", code)
	}
	k.relay.AwaitSessions(t.Context())
	late := prepareTalk(t, "10", relay.Limits{})
	late.relay.DrainSessions()
	late.open()
	if late.answer.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", late.answer.Code)
	}

	cut := newTalk(t, "10", relay.Limits{})
	cut.begin("r1")
	cut.tell(textOf(wordy(3)))
	cut.hear("response.output_text.delta")
	cut.relay.DrainSessions()
	at, cancel := context.WithCancel(t.Context())
	cancel()
	go cut.relay.AwaitSessions(at)
	if _, code := cut.over(); code != socket.Away {
		t.Errorf("closed with %d", code)
	}
	if got := cut.records(); charge(got[0]) != "0.00003" || got[0].Task.BillReason != "cut" {
		t.Errorf("%+v", got[0].Task)
	}
	cut.free()
}

func TestSessionsThatAreSilentOrLongEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits relay.Limits
		want   string
	}{
		"silent": {relay.Limits{SessionIdle: 50 * time.Millisecond}, "session_idle"},
		"long":   {relay.Limits{SessionTotal: 50 * time.Millisecond}, "session_expired"},
	} {
		k := newTalk(t, "10", c.limits)
		if faults, code := k.over(); !slices.Equal(faults, []string{c.want}) || code != socket.Away {
			t.Errorf("%s: %v, %d", name, faults, code)
		}
		if got := k.records(); len(got) != 1 || got[0].Task.HTTPStatus != http.StatusSwitchingProtocols || charge(got[0]) != "0" {
			t.Errorf("%s: %+v", name, got[0].Task)
		}
		k.free()
	}
}

// TestACallerWhoDoesNotReadHoldsUpHisUpstreamAndIsLeft: what waits for him is bounded.
func TestACallerWhoDoesNotReadHoldsUpHisUpstreamAndIsLeft(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "10", relay.Limits{Stall: 300 * time.Millisecond})
	big := `{"type":"what.is.large","x":"` + strings.Repeat("x", 100_000) + `"}`
	sent := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		err := k.upstream.Write(ctx, []byte(big))
		cancel()
		if err != nil {
			break
		}
		if sent++; sent > 100 {
			t.Fatal("everything is taken")
		}
	}
	<-k.ended
	if sent > 15 { // a mebibyte, and what is on its way
		t.Errorf("%d events were taken", sent)
	}
	k.free()
}

func TestLimitsOfASession(t *testing.T) {
	t.Parallel()
	k := newTalk(t, "100", relay.Limits{})
	for range 8 {
		k.say(`{"type":"response.create","response":{"conversation":"none"}}`)
		k.told("response.create")
	}
	k.say(`{"type":"response.create","event_id":"ninth"}`)
	if e := k.hear("error").in("error"); e["code"] != "too_many_responses" {
		t.Errorf("%v", e)
	}
	k.tell(`{"type":"error","error":{"type":"invalid_request_error","code":"x","message":"One is enough."}}`)
	if e := k.hear("error").in("error"); e["message"] != "One is enough." {
		t.Errorf("%v", e)
	}
	k.tell(`{"type":"error","error":{"type":"authentication_error","code":"invalid_api_key","message":"Bearer sk-secret0123456789abcdef is wrong"}}`)
	if e := k.hear("error").in("error"); strings.Contains(fmt.Sprint(e), "secret") {
		t.Errorf("%v", e)
	}
	k.tell(`{"type":"rate_limits.updated","rate_limits":[]}`)
	k.tell(`{"type":"conversation.item.done"}`)
	k.hear("conversation.item.done") // and nothing of the account's limits
	k.caller.Close(socket.Normal, "")
	<-k.ended
	k.free()
}

func TestWhoMayNotCallAnyMoreIsHeardNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		allowed := make(chan bool, 1)
		allowed <- true
		k := prepareTalk(t, "10", relay.Limits{}, func(k *talk, _ *relay.Options) {
			k.holder = func(context.Context) (*identity.Principal, error) {
				may := <-allowed
				allowed <- may
				if !may {
					return nil, identity.ErrKeyDisabled
				}
				return k.principal, nil
			}
		})
		k.open()
		k.hear("session.created")
		<-allowed
		allowed <- false
		if faults, code := k.over(); !slices.Equal(faults, []string{"key_disabled"}) || code != socket.Refused {
			t.Errorf("%v, %d", faults, code)
		}
	})
}
