package relay

import (
	"context"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// maxTurns bounds how many responses a session has at a time.
const maxTurns = 8

var (
	errModelChange = fault.ErrInvalid.Saying("The model of a session cannot be changed. Open another session.").At("session.model")
	errSessionType = fault.ErrInvalid.Saying("Only sessions of the type 'realtime' are offered.").At("session.type")
	errTurns       = fault.New(http.StatusTooManyRequests, "too_many_responses", "The session has too many responses in progress.")
	errWriterKind  = fault.ErrInvalid.Saying("Name the model that writes down what is heard.").At("session.audio.input.transcription.model")
)

// writer is a model that writes down what a session hears. It is one of the catalogue's, at the same account.
type writer struct {
	alias  string
	target *Target
}

// hearAsk takes a caller's event: what it may lead to is paid for before the upstream hears of it. What is wrong with an
// event is said, and the session goes on; who cannot pay any more is heard no more.
func (s *session) hearAsk(message []byte) {
	ask, err := openai.PeekRealtimeAsk(message)
	if err != nil {
		s.say(openai.RealtimeFault(err, ask.ID))
		return
	}
	switch ask.Type {
	case openai.RealtimeSessionUpdate:
		if err := s.approve(&ask.Session); err != nil {
			s.say(openai.RealtimeFault(err, ask.ID))
			return
		}
		message = s.renamed(message, &ask.Session)
		s.talk.foresee(&ask.Session)
	case openai.RealtimeAudioAppend:
		s.talk.buffer += ask.Input.AudioBytes
		s.talk.heard += ask.Input.AudioBytes
	case openai.RealtimeAudioClear:
		s.talk.buffer = 0
	case openai.RealtimeItemCreate:
		s.talk.since = s.talk.since.Plus(ask.Input)
	case openai.RealtimeResponseCreate:
		if !s.askFor(&ask) {
			return
		}
	}
	if err := s.afford(); err != nil {
		s.refused(err, ask.ID)
		return
	}
	s.toUpstream.put(letter{message: message})
}

// approve checks what a session is to be set up with. Codes: invalid_parameter with the path, model_not_found.
func (s *session) approve(d *openai.RealtimeSession) error {
	switch {
	case d.Type != "" && d.Type != "realtime":
		return errSessionType
	case d.Model != "" && d.Model != s.ask.Model:
		return errModelChange
	case d.Writes && d.WritesBy == "" && s.writer == nil:
		return errWriterKind
	case d.WritesBy == "":
		return nil
	}
	w, err := s.findWriter(d.WritesBy)
	if err == nil {
		s.writers[w.target.Model.ProviderModelName] = w
	}
	return err
}

// findWriter finds the model of a name at the account of the session. Code: model_not_found.
func (s *session) findWriter(alias string) (*writer, error) {
	route := s.snapshot.Load().Route(alias)
	if route == nil || !s.principal.AllowsModel(alias) || !route.IsFor(s.principal) {
		return nil, unknownModel(alias)
	}
	for _, t := range route.Targets {
		if t.Platform.ID == s.target.Platform.ID && t.CredentialID == s.target.CredentialID &&
			t.Types.Has(inference.TypeSTT) && s.permits(t, inference.Transcriptions) {
			return &writer{alias, t}, nil
		}
	}
	return nil, unknownModel(alias)
}

// renamed is a caller's event with the upstream's names of models.
func (s *session) renamed(message []byte, d *openai.RealtimeSession) []byte {
	writes := ""
	for name, w := range s.writers {
		if w.alias == d.WritesBy {
			writes = name
		}
	}
	return d.Rename(message, s.target.Model.ProviderModelName, writes)
}

// askFor holds what a response that a caller asks for can cost. It reports false when the event goes no further.
func (s *session) askFor(ask *openai.RealtimeAsk) bool {
	if s.isDraining() {
		s.say(openai.RealtimeFault(errDrained, ask.ID))
		return false
	}
	if len(s.running)+len(s.asked) >= maxTurns {
		s.say(openai.RealtimeFault(errTurns, ask.ID))
		return false
	}
	t, err := s.take(s.talk.next(ask))
	if err != nil {
		s.refuseTurn(t, err, ask.ID)
		return false
	}
	t.aside, t.about = ask.Aside, ask.ID
	s.asked = append(s.asked, t)
	return true
}

func (s *session) isDraining() bool {
	select {
	case <-s.sessions.draining:
		return true
	default:
		return false
	}
}

// take makes a turn of a size that is about to begin: the one that is ready, or another. Error: as of holds and limits; then
// the turn, if there is one, holds nothing.
func (s *session) take(most size) (*turn, error) {
	s.checkHolder()
	if s.ended != nil {
		return nil, s.ended.fault
	}
	t := s.ready
	s.ready = nil
	if err := s.price(); err != nil {
		if t != nil {
			t.release()
		}
		return t, err
	}
	if t == nil {
		t = &turn{call: s.part(s.op.Format), rate: s.talk.spokenRate}
	}
	t.reprice(s.schedule)
	if !t.hold.Open() || !t.covers(most) {
		if err := t.cover(most); err != nil {
			return t, err
		}
	}
	t.size = most
	err := t.limit()
	if err != nil {
		t.hold.Release()
	}
	return t, err
}

// refuseTurn says why a response cannot begin, and leaves a record of it. A limit passes, so the session goes on; where there
// is no money, no right or no price it ends.
func (s *session) refuseTurn(t *turn, err error, about string) {
	f := fault.From(err)
	if t != nil && s.ended == nil {
		t.fail(f)
		t.held = 0
		t.record()
		t.tell()
		s.turns++
	}
	if f.Status == http.StatusTooManyRequests && f.Code != "quota_exceeded" {
		s.say(openai.RealtimeError(f, about))
		return
	}
	s.refused(f, about)
}

// afford makes sure that what the upstream may begin by itself is held for. While a response is under way that is looked at
// when it ends.
func (s *session) afford() error {
	if s.ended != nil || len(s.running)+len(s.asked) > 0 && s.ready == nil {
		return nil
	}
	most := s.talk.next(nil)
	if s.ready != nil && s.ready.covers(most) {
		return nil
	}
	if s.ready == nil {
		if err := s.price(); err != nil {
			return err
		}
		s.ready = &turn{call: s.part(s.op.Format), rate: s.talk.spokenRate}
	}
	roomy := most
	for _, r := range [...]inference.Resource{inference.TextInput, inference.AudioInput} {
		if roomy.input[r] > 0 {
			roomy.input[r] += headroom
		}
	}
	s.talk.fit(&roomy.input)
	err := s.ready.cover(roomy)
	if err != nil && roomy != most {
		err = s.ready.cover(most)
	}
	if err != nil {
		s.ready = nil
	}
	return err
}

// headroom is how many tokens more than there are a hold is made for, so that it need not grow with every word.
const headroom = 600

// heardTurn begins the turn of a recording that the upstream writes down. What it costs at most is held before anything else
// is heard of the session.
func (s *session) heardTurn(item string, bytes int64) error {
	w := s.writer
	schedule := w.target.Schedule.At(s.now())
	if schedule == nil {
		return pricing.ErrNoRules.Because(w.target.PriceError)
	}
	purse, err := s.wallets.Wallet(context.WithoutCancel(s.ctx()), s.principal.UserID, schedule.Currency)
	if err != nil {
		return err
	}
	t := &turn{call: s.part(openai.Transcriptions), heard: bytes, rate: s.talk.heardRate}
	t.call.ask.Model, t.target, t.schedule, t.purse = w.alias, w.target, schedule, purse
	if route := s.snapshot.Load().Route(w.alias); route != nil {
		t.take(route)
	}
	if err := t.coverSound(); err != nil {
		return err
	}
	if err := t.limit(); err != nil {
		t.hold.Release()
		return err
	}
	attempts := slices.Clone(s.attempts[s.deciding : s.deciding+1])
	a := &attempts[0]
	a.PlatformModelID, a.ModelAlias, a.ProviderModelName = w.target.Model.ID, w.alias, w.target.Model.ProviderModelName
	t.begun(attempts)
	s.running[item] = t
	return nil
}

// coverSound holds what writing down the turn's sound can cost at most.
func (t *turn) coverSound() error {
	seconds := (t.heard + t.rate - 1) / max(1, t.rate)
	u := inference.Usage{Quantities: inference.Quantities{
		inference.AudioSecond: seconds, inference.AudioInput: tokensIn(t.heard, heardTokens, t.rate),
		inference.TextInput: writtenTokens, inference.TextOutput: seconds*writtenPerSecond + writtenTokens,
	}}
	t.size = size{likely: u.Quantities}
	t.size.likely[inference.AudioSecond] = 0
	in := t.inputs(chargeable(inference.Transcriptions, t.schedule, u))
	in.PricedOnly = true
	worst, err := t.schedule.WorstCase(&in)
	if err != nil {
		return err
	}
	if t.hold, err = t.purse.Hold(worst); err == nil {
		t.held = worst
	}
	return err
}

// writtenPerSecond is the most tokens that a second of talk has when it is written down, writtenTokens what is around them.
const (
	writtenPerSecond = 12
	writtenTokens    = 32
)
