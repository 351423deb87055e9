package app

import (
	"bytes"
	"log"
	"log/slog"
)

// standardLog writes down what the standard library says through package log, which has no other way out of a transport.
type standardLog struct{ to *slog.Logger }

// captureStandardLog makes the program's logger the place of such messages.
func captureStandardLog(to *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(standardLog{to})
}

// unsolicited is how net/http begins to repeat what an upstream sent behind its answer. It may be part of the answer to
// somebody's question, so that it happened is all that is kept.
var unsolicited = []byte("Unsolicited response")

// Write logs one message.
func (s standardLog) Write(message []byte) (int, error) {
	if bytes.HasPrefix(message, unsolicited) {
		s.to.Warn("an upstream sent more than its answer; the connection was closed")
		return len(message), nil
	}
	s.to.Warn("net/http", "message", string(bytes.TrimSpace(message)))
	return len(message), nil
}
