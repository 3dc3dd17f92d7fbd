@NullMarked
package dev.coppice.data;

import org.jspecify.annotations.NullMarked;
