package dev.coppice.graph;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A network with its weights, ready to run or to be stored.
 *
 * @param metadata anything else that belongs to it, such as how it was trained
 */
public record Model(Graph graph, Weights weights, Map<String, String> metadata) {
  /**
   * Copies the metadata.
   *
   * @throws GraphException if the weights are not those of the graph (see {@link Weights#check}),
   *     or a key of the metadata is one that the file format uses itself
   */
  public Model {
    weights.check(graph);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    ModelFile.checkKeys(metadata);
  }

  /** Saves all tensors in full; see {@link #save(Path, Compression)}. */
  public void save(Path path) throws IOException {
    save(path, Compression.DENSE);
  }

  /**
   * Saves the model as one safetensors file, which appears whole or not at all. Tensors are in
   * PyTorch's order, the network is in the metadata.
   *
   * @throws IOException if the file cannot be written
   */
  public void save(Path path, Compression compression) throws IOException {
    ModelFile.write(this, path, compression);
  }

  /**
   * Loads a file of {@link #save}, compressed or not.
   *
   * @throws ModelFormatException if the file does not hold a model
   * @throws IOException if the file cannot be read
   */
  public static Model load(Path path) throws IOException {
    return ModelFile.read(Safetensors.read(path), path.toString(), false);
  }

  /**
   * Loads a file of {@link #save} into little memory: compressed tensors stay compressed. The model
   * equals that of {@link #load}, but {@link Weights#get} makes such a tensor anew each time, so
   * that changing its data changes nothing.
   *
   * @throws ModelFormatException if the file does not hold a model
   * @throws IOException if the file cannot be read
   */
  public static Model loadPacked(Path path) throws IOException {
    return ModelFile.read(Safetensors.read(path), path.toString(), true);
  }
}
