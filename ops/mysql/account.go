package mysql

import (
	"context"
	"strings"

	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql/schema"
)

// NewAccount asks a server for the rights of the session's user.
func NewAccount(ctx context.Context, q schema.Querier) (doctor.Account, error) {
	who, err := schema.All(ctx, q, "SELECT CURRENT_USER(), VERSION()")
	if err != nil {
		return doctor.Account{}, err
	}
	lines, err := schema.Grants(ctx, q)
	if err != nil {
		return doctor.Account{}, err
	}
	return doctor.NewAccount(who[0][0], who[0][1], lines, privileges(ctx, q)), nil
}

// privileges are those that the server has, in capitals; none where it does not tell.
func privileges(ctx context.Context, q schema.Querier) (names []string) {
	rows, err := schema.All(ctx, q, "SHOW PRIVILEGES")
	if err != nil {
		return nil
	}
	for _, r := range rows {
		names = append(names, strings.ToUpper(r[0]))
	}
	return names
}
