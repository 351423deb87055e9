package jobs

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// A process that was killed leaves jobs behind that River believes to be worked, and will for a while. The next process of the
// same name knows better.
const (
	reviveLite = `UPDATE river_job SET state = 'available' WHERE state = 'running'`
	// The last of attempted_by names who took the job: the node, a dash, and the life of the node.
	revivePg = `UPDATE river_job SET state = 'available'
		WHERE state = 'running' AND left(attempted_by[array_length(attempted_by, 1)], -37) = $1`
)

// lifeName names one life of a node.
func lifeName(node string, life id.ID) string { return node + "-" + life.String() }

func (q *Queue) reviveIn(db *sql.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := db.ExecContext(ctx, reviveLite); err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
		return nil
	}
}

func (q *Queue) reviveOn(pool *pgxpool.Pool) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := pool.Exec(ctx, revivePg, q.o.Node); err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
		return nil
	}
}
