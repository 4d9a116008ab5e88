package run

import _ "opsdeck/internal/testenv" // tests do not see this machine's own folders
