// The console's files, as the Worker has them: by the ends of their addresses.

import style from 'oncegate-console/console.css.txt';
import script from 'oncegate-console/console.js.txt';

import page from './index.html';

export const CONSOLE_FILES = { '': page, 'console.css': style, 'console.js': script };
