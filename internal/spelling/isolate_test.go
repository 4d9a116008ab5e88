package spelling

import _ "opsdeck/internal/testenv" // no test sees this machine's own folders
