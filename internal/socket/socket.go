// Package socket exchanges texts over WebSocket, as the one who connects and as the one who is connected to, and within the
// process. What comes in is bounded: the length of a message, what it is made of, and how often somebody may ask whether we
// are there. It knows nothing of what the messages say. Source: RFC 6455; THREATS, row 40.
package socket

import (
	"context"
	"strconv"
)

// Line is a connection by which two exchange messages, each of which is a text. One goroutine may read while another writes;
// Close may be called by anyone at any time.
type Line interface {
	// Read returns the next message. The error is a *ClosedError once the line has ended, or the context's; a line whose Read or
	// Write was ended by its context has ended too.
	Read(ctx context.Context) ([]byte, error)
	// Write sends a message, and returns when it is on its way. Errors as of Read.
	Write(ctx context.Context, message []byte) error
	// Close says why the line ends, and ends it. It waits, for seconds at most, until the other side has heard it. Only the
	// first call counts.
	Close(code Code, reason string)
}

// Code says why a line ended. Source: RFC 6455, section 7.4.1.
type Code int

// The codes that are used. Broken never goes over a line: it is what is known of one that ended without a word.
const (
	Broken      Code = 0
	Normal      Code = 1000
	Away        Code = 1001 // whoever says it stops, or has waited long enough
	Violation   Code = 1002 // of the protocol
	Unsupported Code = 1003 // something else than text
	Garbled     Code = 1007 // text that is not UTF-8
	Refused     Code = 1008 // by a rule: no money, no right, too many pings
	TooBig      Code = 1009
	Internal    Code = 1011
	TryLater    Code = 1013
)

// ClosedError is the end of a line.
type ClosedError struct {
	Code   Code
	Reason string // in the words of whoever ended it
}

// Error returns the code. The reason is the other side's, who may have written anything.
func (c *ClosedError) Error() string { return "socket: closed with " + strconv.Itoa(int(c.Code)) }

// maxReason is what fits into the frame that ends a line.
const maxReason = 123

func shorten(reason string) string { return reason[:min(len(reason), maxReason)] }
