package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// The events of a server's that whoever passes them on looks into.
const (
	RealtimeSessionCreated = "session.created"
	RealtimeSessionUpdated = "session.updated"
	RealtimeResponseBegun  = "response.created"
	RealtimeResponseDone   = "response.done"
	RealtimeCommitted      = "input_audio_buffer.committed"
	RealtimeCleared        = "input_audio_buffer.cleared"
	RealtimeSpeechStarted  = "input_audio_buffer.speech_started"
	RealtimeWritten        = "conversation.item.input_audio_transcription.completed"
	RealtimeUnwritten      = "conversation.item.input_audio_transcription.failed"
	RealtimeLimits         = "rate_limits.updated"
	RealtimeTrouble        = "error"
)

// RealtimeNews is an event of a server's. What the event is not about is zero.
type RealtimeNews struct {
	Type string
	// Session is what session.created and session.updated say.
	Session RealtimeSession
	// Response and Item are the ids of what the event is about.
	Response, Item string
	// Status is that of a response that is done: completed, cancelled, failed, incomplete.
	Status string
	// Usage is what the event tells of it; Told says that it does, and that it can be trusted.
	Usage inference.Usage
	Told  bool
	// Talk is what the conversation has after the response, in tokens of text, sound and pictures, cached or not.
	Talk inference.Quantities
	// Delta is what a piece of a response has: text in estimated tokens, sound in bytes.
	Delta RealtimeInput
	// StartMs is where speech began, in milliseconds of all sound that was sent.
	StartMs int64
	// Error is the error that the event tells, as it stands there; nil: none. About is the client's event that it is about.
	Error []byte
	About string

	typ, usage jsonscan.Field
	transcript []byte
}

const (
	rnType = iota
	rnSession
	rnResponse
	rnResponseID
	rnItemID
	rnDelta
	rnUsage
	rnTranscript
	rnStart
	rnError
	numNewsKeys
)

var (
	realtimeNewsKeys = jsonscan.NewKeys("type", "session", "response", "response_id", "item_id", "delta", "usage", "transcript",
		"audio_start_ms", "error")
	realtimeResponseKeys = jsonscan.NewKeys("id", "status", "status_details", "usage")
	statusKeys           = jsonscan.NewKeys("error")
	aboutKeys            = jsonscan.NewKeys("event_id")
)

// PeekRealtimeNews reads a server's event. An event of a kind that is not known has a type only; what has none is an error.
func PeekRealtimeNews(message []byte) (RealtimeNews, error) {
	var n RealtimeNews
	var f [numNewsKeys]jsonscan.Field
	if _, _, err := realtimeNewsKeys.Scan(message, f[:]); err != nil {
		return n, scanError(err)
	}
	var err error
	if n.Type, err = text(message, f[rnType], "type", maxWord); err == nil && n.Type == "" {
		err = missing("type", "An event needs a type.")
	}
	if err != nil {
		return n, err
	}
	n.typ = f[rnType]
	n.Response, n.Item = loosely(message, f[rnResponseID]), loosely(message, f[rnItemID])
	n.read(message, &f)
	return n, nil
}

// loosely reads a text; "" where there is none.
func loosely(body []byte, f jsonscan.Field) string {
	s, err := text(body, f, "", maxEventID)
	if err != nil {
		return ""
	}
	return s
}

func (n *RealtimeNews) read(message []byte, f *[numNewsKeys]jsonscan.Field) {
	switch n.Type {
	case RealtimeSessionCreated, RealtimeSessionUpdated:
		whole := piece{text: message}
		if s, err := readRealtimeSession(whole.of(f[rnSession])); err == nil {
			n.Session = s // what cannot be read says nothing that anything goes by
		}
	case RealtimeResponseBegun, RealtimeResponseDone:
		n.readResponse(f[rnResponse].In(message))
	case RealtimeWritten:
		n.usage, n.transcript = f[rnUsage], f[rnTranscript].In(message)
	case RealtimeSpeechStarted:
		n.StartMs, _ = jsonscan.Int(message, f[rnStart])
	case RealtimeTrouble:
		n.readError(f[rnError].In(message))
	default:
		n.readDelta(f[rnDelta])
		n.addDelta(f[rnDelta].In(message))
	}
}

// readDelta counts the sound of a piece of a response.
func (n *RealtimeNews) readDelta(f jsonscan.Field) {
	if f.Found() && n.isSound() {
		n.Delta.AudioBytes = decoded(f)
	}
}

// isSound reports whether the event is a piece of sound.
func (n *RealtimeNews) isSound() bool { return strings.HasSuffix(n.Type, "audio.delta") }

// addDelta counts the text of a piece of a response.
func (n *RealtimeNews) addDelta(raw []byte) {
	if len(raw) > 1 && strings.HasPrefix(n.Type, "response.") && strings.HasSuffix(n.Type, ".delta") && !n.isSound() {
		n.Delta.add(raw[1 : len(raw)-1])
	}
}

func (n *RealtimeNews) readResponse(object []byte) {
	if !isObject(object) {
		return
	}
	var f [4]jsonscan.Field
	if _, _, err := realtimeResponseKeys.Scan(object, f[:]); err != nil {
		return
	}
	n.Response, n.Status = loosely(object, f[0]), loosely(object, f[1])
	if details := f[2].In(object); isObject(details) {
		var e [1]jsonscan.Field
		if _, _, err := statusKeys.Scan(details, e[:]); err == nil && isObject(e[0].In(details)) {
			n.Error = e[0].In(details)
		}
	}
	if usage := f[3].In(object); isObject(usage) {
		n.readUsage(usage)
	}
}

func (n *RealtimeNews) readError(object []byte) {
	if !isObject(object) {
		n.Error = []byte("{}")
		return
	}
	n.Error = object
	var f [1]jsonscan.Field
	if _, _, err := aboutKeys.Scan(object, f[:]); err == nil {
		n.About = loosely(object, f[0])
	}
}

// Written meters a recording that was written down, which had as many bytes of sound, of which rate are a second.
func (n *RealtimeNews) Written(message []byte, heard, rate int64) wire.Metered {
	f := transcriptFormat{kind: inference.Transcriptions}
	facts := TranscriptFacts{Seconds: (heard + rate - 1) / max(1, rate)}
	h := readHeard(f.kind, n.usage.In(message), n.transcript)
	return f.heard(&wire.Ask{FormatFacts: &facts}, h)
}

func readHeard(k inference.Kind, usage, transcript []byte) heard {
	h := heard{text: unquoted(transcript)}
	h.usage, h.told = readTranscriptUsage(k, usage)
	return h
}

var (
	inputDetailKeys = jsonscan.NewKeys("input_token_details")
	cachedKeys      = jsonscan.NewKeys("cached_tokens_details")
)

// readUsage is as for other answers, but that cached tokens may be of sound and of pictures too: those are among the figures
// of both. Where the parts of what was cached are not told, cached tokens count before others.
func (n *RealtimeNews) readUsage(object []byte) {
	f, ok := readFigures(object)
	if !ok || !f.plausible(inference.Realtime) {
		return
	}
	talk := inference.Quantities{
		inference.TextInput: f.input - f.audioIn - f.imageIn + f.output - f.audioOut, inference.AudioInput: f.audioIn + f.audioOut,
		inference.ImageInput: f.imageIn,
	}
	if audio, image, told := cachedParts(object); told && !f.uncache(audio, image) || talk[inference.TextInput] < 0 {
		return
	}
	n.Usage, n.Told, n.Talk = f.split(inference.Realtime), true, talk
}

// uncache takes what was cached out of the figures of sound and pictures; false where the figures contradict each other.
func (f *figures) uncache(audio, image int64) bool {
	f.audioIn -= audio
	f.imageIn -= image
	return audio >= 0 && image >= 0 && f.audioIn >= 0 && f.imageIn >= 0 && audio+image <= f.cached &&
		f.cached+f.written+f.audioIn+f.imageIn <= f.input
}

// cachedParts reads how much of what was cached is sound and pictures.
func cachedParts(usage []byte) (audio, image int64, told bool) {
	details, ok := objectIn(usage, inputDetailKeys)
	if !ok {
		return 0, 0, false
	}
	parts, ok := objectIn(details, cachedKeys)
	if !ok {
		return 0, 0, false
	}
	var d [numDetailKeys]jsonscan.Field
	if _, _, err := detailKeys.Scan(parts, d[:]); err != nil {
		return 0, 0, false
	}
	var f figures
	audio, _ = f.either(parts, d[dAudio])
	image, _ = f.either(parts, d[dImage])
	if f.bad {
		audio = -1
	}
	return audio, image, true
}

// objectIn returns the object that is the value of a set's only name.
func objectIn(object []byte, keys *jsonscan.Keys) ([]byte, bool) {
	var f [1]jsonscan.Field
	if _, _, err := keys.Scan(object, f[:]); err != nil {
		return nil, false
	}
	v := f[0].In(object)
	return v, isObject(v)
}
