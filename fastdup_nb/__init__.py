"""See what is in a folder of images: duplicates, outliers, clusters, quality; in a notebook cell, on CPU, local."""
