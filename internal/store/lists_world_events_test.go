package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// moment is when the i-th of all that happened did.
func (c *crowd) moment(i int) time.Time {
	return c.begin.Add(c.end.Sub(c.begin) / time.Duration(c.calls) * time.Duration(i))
}

// crowdActions are what was done: category, action, type of the target. The first are done all day long.
var crowdActions = [][3]string{
	{"identity", "session.created", "user"},
	{"wallet", "wallet.balance_set", "wallet"},
	{"identity", "api_key.created", "api_key"},
	{"routing", "platform.updated", "platform"},
	{"identity", "user.updated", "user"},
	{"routing", "model.updated", "platform_model"},
	{"access", "rule.created", "access_rule"},
	{"pricing", "rule_set.updated", "pricing_rule_set"},
	{"wallet", "grant.created", "user"},
	{"identity", "tenant.updated", "tenant"},
}

// rare chooses among n; each is taken less often than half as often as the one before.
func (c *crowd) rare(n int) int {
	for i := range n - 1 {
		if c.rand.IntN(5) > 1 {
			return i
		}
	}
	return n - 1
}

func (c *crowd) fillAudit(from, to int) {
	rows := make([]auditRow, 0, to-from)
	for i := from; i < to; i++ {
		what := crowdActions[c.rare(len(crowdActions))]
		at := c.moment(i)
		rows = append(rows, *auditOf(&audit.Entry{
			ID: id.At(at), At: at, Category: what[0], Action: what[1], TargetType: what[2],
			TargetID: c.users[c.rand.IntN(len(c.users))].ID.String(), ActorUserID: c.users[0].ID, ActorUsername: "admin",
			ActorRoles: []string{"admin"}, IP: "192.0.2.7", UserAgent: "curl/8", RequestID: fmt.Sprintf("req-%08x", i),
			Before: []byte(`{"balance":"1.5"}`), After: []byte(`{"balance":"2.5"}`),
		}))
	}
	c.insertMany(from, to, func(from, to int) any { part := rows[from:to]; return &part })
}

// nameKinds does what writing an audit entry does.
func (c *crowd) nameKinds() {
	for _, k := range crowdActions {
		_, err := c.store.db.writer.ExecContext(context.Background(),
			"INSERT INTO audit_kind (category, action, target_type) VALUES (?, ?, ?)", k[0], k[1], k[2])
		if err != nil {
			c.tb.Fatal(err)
		}
	}
}

var crowdEventKinds = []routing.EventKind{"cooldown", "return", "probe", "demotion", "restoration", "exclusion", "disable", "recovery"}

// upstreams are the platforms of the crowd; their ids are made of their number.
const upstreams = 12

func upstreamID(i int) id.ID { return id.ID{0: 1, 15: byte(i + 1)} }

func (c *crowd) policyEvent(i int) routing.PolicyEvent {
	platform, at := c.rare(upstreams), c.moment(i)
	e := routing.PolicyEvent{
		ID: id.At(at), At: at, Kind: crowdEventKinds[c.rare(len(crowdEventKinds))], PlatformID: upstreamID(platform),
		Category: "rate_limit", Status: 429, RequestID: fmt.Sprintf("req-%08x", i), Before: []byte(`{"state":"open"}`),
		After: []byte(`{"state":"cooldown"}`), Until: at.Add(time.Minute),
	}
	if e.Kind == "disable" || e.Kind == "recovery" {
		e.CredentialID = upstreamID(100 + platform)
	} else {
		e.PlatformModelID = upstreamID(20 + platform*4 + c.rand.IntN(4))
	}
	return e
}

func (c *crowd) fillPolicyEvents(from, to int) {
	rows := make([]routing.PolicyEvent, 0, to-from)
	for i := from; i < to; i++ {
		rows = append(rows, c.policyEvent(i))
	}
	for len(rows) > 0 {
		n := min(len(rows), crowdInsert)
		if err := c.store.Routing().PolicyEventsInsert(context.Background(), rows[:n]); err != nil {
			c.tb.Fatal(err)
		}
		rows = rows[n:]
	}
}

// crowdInsert is how many rows one statement inserts.
const crowdInsert = 500

func (c *crowd) insertMany(from, to int, part func(from, to int) any) {
	err := c.store.db.inTx(context.Background(), func(t *transaction) error {
		for i := 0; i < to-from; i += crowdInsert {
			q := t.NewInsert().Model(part(i, min(i+crowdInsert, to-from)))
			if _, err := q.ExcludeColumn("number").Returning("NULL").Exec(context.Background()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.tb.Fatal(err)
	}
}
